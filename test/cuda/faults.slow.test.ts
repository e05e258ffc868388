import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { PlannedProgram } from '../c/program.ts';
import { type Faults, groupSize, turnGroups } from '../differential/turning.ts';
import { missingShim, runOnShim } from './shim.ts';

const size = groupSize;

/** A program that turns the elements of each group around by way of the group's memory; `faults` are planted. */
function turning(faults: Faults = {}): Module {
  const tensor = (name: string) => ({ name, element: 'i32' as const, shape: [2 * size] });
  const program = new PlannedProgram([tensor('x')], [tensor('y')]);
  const k = new KernelBuilder('turn', 'turn', 'simt');
  turnGroups(k, faults);
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
