import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { PlannedProgram } from '../c/program.ts';
import { missingShim, runOnShim } from './shim.ts';

const size = 64;

/** A program that turns the elements of each group around by way of the group's memory; `faults` are planted. */
function turning(faults: { readonly barrier?: 'none' | 'some'; readonly bound?: number } = {}): Module {
  const tensor = (name: string) => ({ name, element: 'i32' as const, shape: [2 * size] });
  const program = new PlannedProgram([tensor('x')], [tensor('y')]);
  const k = new KernelBuilder('turn', 'turn', 'simt');
  const [x, y] = [k.buffer('x', 'i32', 'input'), k.buffer('y', 'i32', 'output')];
  k.parallel([2 * size], ([i]) => {
    const at = i as Value;
    const tile = k.shared('i32', size);
    const { local } = k.grid();
    k.store(k.load(x, at), tile, local);
    if (faults.barrier === 'some') k.if(k.cmp('lt', local, k.index(size / 2)), () => k.barrier());
    else if (faults.barrier !== 'none') k.barrier();
    k.store(k.load(tile, k.sub(k.index(size - 1), local)), y, k.add(at, k.index(faults.bound ?? 0)));
  });
  program.launch(k.finish(program.module), [program.inputs[0] as Value, program.outputs[0] as Value], 'turn');
  return program.finish();
}

const x: HostTensor = { dtype: 'i32', shape: [2 * size], data: Int32Array.from({ length: 2 * size }, (_, i) => i * i) };
const turned = Array.from({ length: 2 * size }, (_, i) => {
  const from = i < size ? size - 1 - i : 3 * size - 1 - i;
  return from * from;
});

describe.skipIf(missingShim)(`groups of threads in CUDA${missingShim}`, () => {
  const run = (faults = {}) => [...(runOnShim(turning(faults), [x])[0]?.data ?? [])];

  it('see what the others wrote before a barrier, in any order', () => expect(run()).toEqual(turned));

  it('do not without one, and what they see depends on the order', () => {
    expect(() => run({ barrier: 'none' })).toThrow('threads in another order');
  });

  it('all arrive at a barrier', () => {
    expect(() => run({ barrier: 'some' })).toThrow('only some threads arrive at a barrier');
  });

  it('write nothing behind the end of a buffer', () => {
    expect(() => run({ bound: 1 })).toThrow('written behind the end of a buffer');
  });
});
