import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import type { InnerProduct, Steps } from './innerProduct.ts';

/** Codes of two tensors that are both computed, and lie as they were made: the right one row by row. */
export interface ComputedCodes {
  readonly zeroPointA: number;
  readonly zeroPointB: number;
  readonly depth: number;
  /** Elements from one row of the right operand to the next. */
  readonly rowStep: number;
}

/** Differences of 8-bit codes from zero points, and 16-bit codes themselves, as 16 bits. */
function differences(k: KernelBuilder, codes: Value, zeroPoint: number): Value {
  const wide = k.convert(codes, 'i16');
  return zeroPoint === 0 ? wide : k.sub(wide, k.constant(zeroPoint, 'i16', wide));
}

/** Two neighbouring rows of the right operand, mixed as they are read: pairs of each column, four columns a register. */
function byPairs(codes: ComputedCodes): InnerProduct {
  const { zeroPointA, zeroPointB, rowStep } = codes;
  return {
    feature: undefined,
    columns: 4,
    step: 2,
    registers: 1,
    prepare: (k): Steps => ({
      start: (starts, column) => [k.load(starts, column, 4)],
      activations: (x, [index]) => differences(k, k.loadSplat(x, index, 8, 2), zeroPointA),
      weights(w, [index]) {
        const rows = [index, k.add(index, k.index(rowStep))].map((at) => k.load(w, at, 4)) as [Value, Value];
        return [differences(k, k.interleave(...rows), zeroPointB)];
      },
      multiply: ([sum], [w], x) => [k.dot('dot_i16x8', sum as Value, w as Value, x)],
      finish: ([sum]) => [sum as Value],
    }),
  };
}

/** One row at a time, for an odd number of rows. */
function byRows({ zeroPointA, zeroPointB }: ComputedCodes): InnerProduct {
  return {
    feature: undefined,
    columns: 4,
    step: 1,
    registers: 1,
    prepare: (k): Steps => ({
      start: (starts, column) => [k.load(starts, column, 4)],
      activations: (x, [index]) => k.convert(differences(k, k.loadSplat(x, index, 4), zeroPointA), 'i32'),
      weights: (w, [index]) => [k.convert(differences(k, k.load(w, index, 4), zeroPointB), 'i32')],
      multiply: ([sum], [w], x) => [k.add(sum as Value, k.mul(w as Value, x))],
      finish: ([sum]) => [sum as Value],
    }),
  };
}

/** How vectors of codes of two computed tensors are multiplied; the sums are exact in 32 bits. */
export function computedProduct(codes: ComputedCodes): InnerProduct {
  return codes.depth % 2 === 0 ? byPairs(codes) : byRows(codes);
}
