import { type QuantType, quantParams, quantType, type ScalarType, spanOutputs } from '../../src/ir/index.ts';
import { type Choice, leastCost } from '../../src/linalg/index.ts';
import { storageBits, type WeightScheme, type WeightStorage } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { weightErrors } from './outputErrors.ts';
import { type Rounding, roundToNearest, type StoredMatrix, storeMatrix } from './storedWeights.ts';

/** What changes [inputs, outputs] of the weights cost, output by output. */
export type ErrorsOf = (deltas: Float64Array, outputs: number) => Float64Array;

/**
 * Codes and scales of a matrix [inputs, outputs] under a scheme: of one width, or of one for every 16 neighbouring outputs.
 * @param errors what widths are chosen by; default: the squared error of the weights
 */
export function storeWeights(
  weights: HostTensor,
  scheme: WeightScheme,
  round: Rounding = roundToNearest,
  errors: ErrorsOf = weightErrors,
): StoredMatrix {
  const { mixed, ...plain } = scheme;
  if (!mixed) return storeMatrix(weights, plain, round);
  const [inputs, outputs] = weights.shape as [number, number];
  const all = [...new Set(mixed)].sort((a, b) => a - b);
  const stored = all.map((bits) => {
    return storeMatrix(weights, { ...plain, storage: `i${bits}` as WeightStorage }, round);
  });
  const costs = stored.map(({ numbers }) => errors(differences(numbers, weights.data as Float32Array), outputs));
  const blocks = Array.from({ length: Math.ceil(outputs / spanOutputs) }, (_, block) => {
    const [from, to] = [block * spanOutputs, Math.min((block + 1) * spanOutputs, outputs)];
    return all.map((bits, i): Choice => {
      const cost = (costs[i] as Float64Array).subarray(from, to).reduce((sum, error) => sum + error, 0);
      return { size: bits * (to - from) * inputs, cost };
    });
  });
  // the narrowest width fits, as recipes are checked
  const places = leastCost(blocks, storageBits(plain.storage) * inputs * outputs) ?? blocks.map(() => 0);
  const used = [...new Set(places)];
  const [only] = used;
  if (used.length === 1) return stored[only as number] as StoredMatrix;
  return joined(
    places.map((place) => stored[place] as StoredMatrix),
    places.map((place) => all[place] as number),
    outputs,
  );
}

const differences = (numbers: Float64Array, weights: Float32Array): Float64Array =>
  numbers.map((number, i) => number - (weights[i] as number));

/** The outputs of each block from the matrix that is `ofBlock` there: outputs are rounded by themselves. */
function joined(ofBlock: readonly StoredMatrix[], widths: readonly number[], outputs: number): StoredMatrix {
  const of = (n: number) => ofBlock[Math.floor(n / spanOutputs)] as StoredMatrix;
  const [{ codes, type, numbers }] = ofBlock as [StoredMatrix];
  const sign = type.storage[0] as string;
  const storage = `${sign}${Math.max(...widths)}` as ScalarType;
  const paramsOf = (n: number) => of(n).type.params as NonNullable<QuantType['params']>;
  const data = (codes.data as Int8Array).map((_, i) => (of(i % outputs).codes.data as Int8Array)[i] as number);
  const { scale, zeroPoint } = paramsOf(0);
  const params = quantParams({
    scale: scale.map((_, i) => paramsOf(i % outputs).scale[i] as number),
    zeroPoint: zeroPoint.map((_, i) => paramsOf(i % outputs).zeroPoint[i] as number),
    widths,
  });
  return {
    codes: { dtype: storage as 'i8', shape: codes.shape, data },
    type: quantType({ storage, granularity: type.granularity, params }),
    numbers: numbers.map((_, i) => of(i % outputs).numbers[i] as number),
  };
}

/** How many outputs have each width, in words. */
export function widthsText({ params, storage }: QuantType, outputs: number): string {
  const { widths } = params ?? {};
  if (!widths) return `all of ${storage}`;
  const counts = new Map<number, number>();
  widths.forEach((bits, block) => {
    const count = Math.min(spanOutputs, outputs - block * spanOutputs);
    counts.set(bits, (counts.get(bits) ?? 0) + count);
  });
  const sum = [...counts].reduce((total, [bits, count]) => total + bits * count, 0);
  const parts = [...counts].sort(([a], [b]) => a - b).map(([bits, count]) => `${count} of i${bits}`);
  return `${parts.join(', ')}: ${Number((sum / outputs).toFixed(2))} bits a weight`;
}
