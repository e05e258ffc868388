import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { reduceModule } from '../../src/api/reduce.ts';
import { parse, print } from '../../src/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { definePass, runPipeline, verifySemantics } from '../../src/pass/index.ts';

/** 100 ops: sums and activations by turns, in two branches that meet again and again. */
function longModule(): Module {
  const lines: string[] = [];
  let [left, right] = ['%x', '%y'];
  const type = 'tensor<4xf32>';
  for (let i = 0; i < 25; i++) {
    lines.push(`%a${i} = nn.add ${left}, ${right} : ${type} loc("Add_${i}")`);
    lines.push(`%t${i} = nn.tanh %a${i} : ${type} loc("Tanh_${i}")`);
    lines.push(`%m${i} = nn.mul %t${i}, ${left} : ${type} loc("Mul_${i}")`);
    lines.push(`%s${i} = nn.sub %m${i}, ${right} : ${type} loc("Sub_${i}")`);
    [left, right] = [`%s${i}`, i === 13 ? `%m${i}` : `%t${i}`];
  }
  return parse(`func @main(%x: ${type}, %y: ${type}) -> (${type}) {\n${lines.join('\n')}\nnn.return ${left}\n}`);
}

/** Fails where a sum reads a product directly, as it does in one place. */
const brittle = definePass({
  name: 'brittle',
  summary: 'Fails on a sum of a product.',
  phase: 'fuse',
  preserves: 'bits',
  run(module) {
    for (const op of module.ops()) {
      if (op.name === 'nn.add' && op.operands[1]?.op?.name === 'nn.mul') throw new Error('a sum of a product');
    }
  },
});

async function message(module: Module, passes: readonly ReturnType<typeof definePass>[]): Promise<string> {
  const names = passes.map(({ name }) => name).join(',');
  const instruments = [verifySemantics({ interpret: (m, inputs) => interpret(m, inputs), registry })];
  try {
    await runPipeline(module, names, { passes, registry, instruments });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('reducing a failing module', () => {
  it('leaves 5 ops or fewer of 100', async () => {
    const module = longModule();
    expect([...module.main.body.ops()]).toHaveLength(101);
    const fails = async (m: Module) => (await message(m, [brittle])).includes('a sum of a product');
    const { module: small, before, after } = await reduceModule(module, { fails });
    expect(before).toBe(100);
    expect(after).toBe(2);
    expect(print(small).text).toMatch(/nn\.mul[\s\S]*nn\.add/);
    expect(await message(small, [brittle])).toContain('a sum of a product');
  });

  it('says so when the module does not fail', async () => {
    await expect(reduceModule(longModule(), { fails: async () => false })).rejects.toThrow(
      /the module does not fail in this way[\s\S]*check --pipeline/,
    );
  });
});
