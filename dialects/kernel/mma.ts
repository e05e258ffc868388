import { defineOp } from '../../src/ir/index.ts';

/** Invocations that multiply tiles together: a warp. */
export const warpSize = 32;

/** Rows, columns and depth of the tiles. */
export const mmaShape = { m: 16, n: 8, k: 32 } as const;

/**
 * accumulator + A·B of 8-bit tiles, 16×32 by 32×8, which 32 neighbouring invocations of a group hold together: the
 * instruction mma.m16n8k32. All of them arrive. Each holds the codes that `fragments` says, four in an operand.
 */
export const mma = defineOp({
  name: 'kernel.mma',
  summary:
    'accumulator + A·B of i8 tiles, 16×32 by 32×8, which 32 neighbouring invocations hold together and at which all arrive: a0 … a3 and b0, b1 are four codes each.',
  operands: {
    accumulator: 'required',
    ...{ a0: 'required', a1: 'required', a2: 'required', a3: 'required' },
    ...{ b0: 'required', b1: 'required' },
  },
  effect: 'writes',
  typing: 'declared',
});

/**
 * Who holds what of a product of tiles (PTX ISA, "Matrix Fragments for mma.m16n8k32"): for the invocation `lane` of 32,
 * the place of the first of the four codes of an operand, which neighbour one another along the depth, and of each
 * lane of the accumulator.
 */
export const fragments = {
  a: (lane: number, operand: number) => ({
    row: (lane >> 2) + 8 * (operand & 1),
    depth: 4 * (lane & 3) + 16 * (operand >> 1),
  }),
  b: (lane: number, operand: number) => ({ depth: 4 * (lane & 3) + 16 * operand, column: lane >> 2 }),
  accumulator: (lane: number, i: number) => ({ row: (lane >> 2) + 8 * (i >> 1), column: 2 * (lane & 3) + (i & 1) }),
} as const;

/** The accumulator of the invocation `lane`, given the 16 codes of A and the 8 of B that each of the 32 holds. */
export function mmaMeaning(
  held: readonly (readonly number[])[],
  lane: number,
  accumulator: readonly number[],
): number[] {
  const { m, n, k } = mmaShape;
  const [a, b] = [new Int32Array(m * k), new Int32Array(k * n)];
  held.forEach((codes, other) => {
    for (let i = 0; i < 16; i++) {
      const { row, depth } = fragments.a(other, i >> 2);
      a[row * k + depth + (i & 3)] = codes[i] as number;
    }
    for (let i = 0; i < 8; i++) {
      const { depth, column } = fragments.b(other, i >> 2);
      b[(depth + (i & 3)) * n + column] = codes[16 + i] as number;
    }
  });
  return accumulator.map((start, i) => {
    const { row, column } = fragments.accumulator(lane, i);
    let sum = start;
    for (let d = 0; d < k; d++) sum += (a[row * k + d] as number) * (b[d * n + column] as number);
    return sum | 0;
  });
}
