import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { launch, when } from '../../dialects/kernel/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { type Block, walk } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { branch } from '../differential/controlCases.ts';
import { planned, seededInputs } from '../differential/run.ts';

/** The launches of a block, each with the flags that it waits for. */
function launches(block: Block, guards = ''): string[] {
  return [...block.ops()].flatMap((op) => {
    if (when.is(op)) return launches(op.regions[0] as Block, `${guards}${when.attributesOf(op).holds ? '+' : '-'}`);
    return launch.is(op) ? [`${guards}${op.source}`] : [];
  });
}

describe('join-branches', () => {
  it('lets both ways of a branch become integers', async () => {
    const module = parse(branch('less'), { registry });
    const calibration = [1, 2, 3].map((seed) => {
      const [x, s] = seededInputs(module, seed) as [HostTensor, HostTensor];
      return { x, s };
    });
    const context = { registry, target: wasmTarget, calibration };
    await runPipeline(module, pipelineFor('w8a8'), { passes: allPasses, registry, context });
    const work = launches(module.main.body).filter((name) => name.endsWith('.matmul'));
    expect(work.toSorted()).toEqual(['+then.matmul', '-else.matmul']);
    const products = [...walk(module.main.body)].filter((op) => op.attributes.op === 'int.matmul');
    expect(products.length).toBe(2);
  });
});

describe('launches that one way of a choice alone needs', () => {
  it('wait for its condition, where that is known before', async () => {
    const all = launches((await planned(branch('less'), wasmTarget)).main.body);
    expect(all).toEqual(expect.arrayContaining(['outside', 'sum', 'if']));
    const inside = all.filter((name) => name.includes('.'));
    expect(inside.toSorted()).toEqual(['+then.matmul', '+then.softmax', '-else.matmul', '-else.softmax']);
  });
});
