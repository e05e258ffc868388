import { describe, expect, it } from 'vitest';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { registry } from '../../dialects/index.ts';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import { runKernel, runProgram } from '../../dialects/kernel/interpret.ts';
import type { Order } from '../../dialects/kernel/interpretGrid.ts';
import type { Func } from '../../src/ir/index.ts';
import { intrinsics } from '../../src/target/index.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from './cases.ts';
import { choosesByData, planned, reference, seededInputs } from './run.ts';
import { expectSame } from './same.ts';
import { type Faults, groupSize, turnGroups } from './turning.ts';

const forward: Order = (i) => i;
const reversed: Order = (i, count) => count - 1 - i;
/** A permutation without a pattern: multiplication by a number without common factors. */
const scattered: Order = (i, count) => {
  let factor = Math.floor(count * 0.618) || 1;
  const divides = (a: number, b: number): number => (b === 0 ? a : divides(b, a % b));
  while (divides(factor, count) !== 1) factor++;
  return (i * factor + 1) % count;
};

const some = cases.filter(({ name }, i) => i % 3 === 0 || name.includes('in the place'));

describe.each([
  ['backwards', reversed],
  ['in no order', scattered],
] as const)('invocations %s', (_, order) => {
  it.each(some)('$name', async ({ text, tolerance = 0 }) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    const module = await planned(text, wgslTarget);
    if (choosesByData(module)) return;
    const { slack, granule } = wgslTarget;
    expectSame(runProgram(module, inputs, { intrinsics, slack, granule, order }), reference(text, inputs), tolerance);
  });
});

const size = groupSize;

/** Turns the elements of each group around by way of the group's memory; `faults` are planted. */
function turning(faults: Faults = {}): Func {
  const k = new KernelBuilder('turn', 'turn', 'simt');
  turnGroups(k, faults);
  return k.end();
}

function run(func: Func, order: Order): Int32Array {
  const x = Int32Array.from({ length: 2 * size }, (_, i) => i * i);
  const y = new Int32Array(2 * size);
  runKernel(func, [new Uint8Array(x.buffer), new Uint8Array(y.buffer)], { intrinsics, order });
  return y;
}

const turned = Array.from({ length: 2 * size }, (_, i) => {
  const from = i < size ? size - 1 - i : 3 * size - 1 - i;
  return from * from;
});

describe('groups of invocations', () => {
  it.each([forward, reversed, scattered])('see what the others wrote before a barrier', (order) => {
    expect(Array.from(run(turning(), order))).toEqual(turned);
  });

  it('do not without one', () => {
    expect(Array.from(run(turning({ barrier: 'none' }), forward))).not.toEqual(turned);
  });

  it('all arrive at a barrier', () => {
    expect(() => run(turning({ barrier: 'some' }), forward)).toThrow('only some invocations arrive at a barrier');
  });

  it('write nothing behind the end of a buffer', () => {
    expect(() => run(turning({ bound: 1 }), forward)).toThrow('store of i32 element 128, outside its 512 bytes');
  });
});
