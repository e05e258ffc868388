import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import { runKernel } from '../../dialects/kernel/interpret.ts';
import { type Func, Module } from '../../src/ir/index.ts';
import { intrinsics } from '../../src/target/index.ts';

/** Copies `lanes` elements from one place of `x` to one place of `y`. */
function copy(from: number, to: number, lanes: number): Func {
  const k = new KernelBuilder('copy', 'layer');
  const [x, y] = [k.buffer('x', 'i16', 'input'), k.buffer('y', 'i16', 'output')];
  k.store(k.load(x, k.index(from), lanes), y, k.index(to));
  return k.finish(new Module());
}

describe('buffers in the interpreter', () => {
  const run = (func: Func, slack = 0) => {
    const [x, y] = [Uint8Array.from([1, 0, 2, 0, 3, 0, 4, 0]), new Uint8Array(8)];
    runKernel(func, [x, y], { intrinsics, slack });
    return [...y];
  };

  it('hold little-endian elements', () => expect(run(copy(2, 0, 2))).toEqual([3, 0, 4, 0, 0, 0, 0, 0]));

  it('may be over-read by the slack, which holds no meaning', () => {
    expect(run(copy(3, 0, 2), 2).slice(0, 2)).toEqual([4, 0]);
    expect(() => run(copy(3, 0, 3), 2)).toThrow('@copy, buffer x: load of i16 element 5, outside its 8 bytes');
  });

  it('are never read before their begin, and never written outside', () => {
    expect(() => run(copy(-1, 0, 1), 64)).toThrow('load of i16 element -1');
    expect(() => run(copy(0, 3, 2), 64)).toThrow('@copy, buffer y: store of i16 element 4, outside its 8 bytes');
  });

  it('are one for each argument', () => {
    expect(() => runKernel(copy(0, 0, 1), [], { intrinsics })).toThrow('@copy takes 2 buffers, not 0');
  });
});
