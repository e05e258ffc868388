import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { turned } from '../../dialects/int/turned.ts';
import { runPipeline } from '../../src/index.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from '../differential/cases.ts';
import { registry } from '../golden/known.ts';

async function afterPass(name: string, target = wasmTarget) {
  const module = parse(cases.find((one) => one.name === name)?.text ?? '', { registry });
  await runPipeline(module, 'uniform-shift,turn-signs', { target });
  return [...module.main.body.ops()].filter((op) => op.name.startsWith('int.'));
}

describe('turn-signs', () => {
  it('turns codes that are made for a contraction alone', async () => {
    const ops = await afterPass('i8 matmul behind another');
    expect(ops.map(({ name }) => name)).toEqual(['int.matmul', 'int.rescale', 'int.turned', 'int.matmul']);
    expect(ops.map(({ attributes }) => attributes.turned)).toEqual([undefined, undefined, undefined, true]);
  });

  it('makes a pass over codes of which each has many products, and leaves others', async () => {
    const many = await afterPass('i8 convolution, 3x3, many channels');
    expect(many.some((op) => turned.is(op))).toBe(true);
    const few = await afterPass('i8 convolution, pointwise');
    expect(few.some((op) => turned.is(op))).toBe(false);
  });

  it('does nothing for targets whose instructions turn signs themselves', async () => {
    const ops = await afterPass('i8 matmul behind another', { ...wasmTarget, contractions: ['dot_i16x8'] });
    expect(ops.some((op) => turned.is(op))).toBe(false);
  });
});
