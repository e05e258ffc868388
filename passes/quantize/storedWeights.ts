import { type QuantType, quantParams, quantType, type ScalarType } from '../../src/ir/index.ts';
import { clamp, F32_MIN_NORMAL, formats, halfEven } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { formatOf } from './weightFormat.ts';

const { levelsOf, nearestSteps } = formats;
type Grid = formats.Grid;

/** Weights [inputs, outputs] as codes, and the type that says how they stand for numbers. */
export interface StoredMatrix {
  readonly codes: HostTensor;
  readonly type: QuantType;
  /** What the codes stand for. */
  readonly numbers: Float64Array;
}

/** The scale and zero point of a group of weights. */
interface GroupScale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The grids on which weights [inputs, outputs] are rounded, group by group. */
export interface MatrixGrids {
  /** The code whose number is nearest to w, for the weight of input k and output n. */
  code(k: number, n: number, w: number): number;
  number(k: number, n: number, code: number): number;
  /** The code of the next larger number than a code's (`step` 1), or the next smaller one (−1), if there is one. */
  neighbour(code: number, step: 1 | -1): number | undefined;
}

/** Chooses the codes of weights [inputs, outputs]. */
export type Rounding = (
  weights: Float32Array,
  shape: readonly [inputs: number, outputs: number],
  grids: MatrixGrids,
  codes: Int8Array | Uint8Array,
) => void;

/** Every weight by itself. */
export const roundToNearest: Rounding = (weights, [inputs, outputs], grids, codes) => {
  for (let k = 0, i = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++, i++) codes[i] = grids.code(k, n, weights[i] as number);
  }
};

/**
 * Codes and scales of a matrix [inputs, outputs] under a scheme. Scales are chosen from the weights as they are.
 * @param weights finite numbers
 */
export function storeMatrix(weights: HostTensor, scheme: WeightScheme, round: Rounding = roundToNearest): StoredMatrix {
  const shape = weights.shape as [number, number];
  const [inputs, outputs] = shape;
  const data = weights.data as Float32Array;
  const group = scheme.granularity === 'group' ? Math.min(scheme.group as number, inputs) : inputs;
  const groups = Math.ceil(inputs / group);
  const encode = scheme.symmetric ? symmetricEncoder(scheme, data, outputs) : asymmetricEncoder(scheme);
  const scales = new Float64Array(groups * outputs);
  const zeroPoints = new Float64Array(groups * outputs);
  const column = new Float64Array(group);
  for (let g = 0; g < groups; g++) {
    const [from, to] = [g * group, Math.min((g + 1) * group, inputs)];
    for (let n = 0; n < outputs; n++) {
      for (let k = from; k < to; k++) column[k - from] = data[k * outputs + n] as number;
      const { scale, zeroPoint } = encode.group(column.subarray(0, to - from));
      scales[g * outputs + n] = scale;
      zeroPoints[g * outputs + n] = zeroPoint;
    }
  }
  if (scheme.scale === 'integer') roundScales(scales, outputs, data, group);
  const ranks = new Map(encode.codes.map((code, i) => [encode.number(code, 1, 0), i]));
  const placeOf = (k: number, n: number) => Math.floor(k / group) * outputs + n;
  const grids: MatrixGrids = {
    code(k, n, w) {
      const at = placeOf(k, n);
      return encode.code(w, scales[at] as number, zeroPoints[at] as number);
    },
    number(k, n, code) {
      const at = placeOf(k, n);
      return encode.number(code, scales[at] as number, zeroPoints[at] as number);
    },
    neighbour: (code, step) => encode.codes[(ranks.get(encode.number(code, 1, 0)) as number) + step],
  };
  const codes = encode.signed ? new Int8Array(data.length) : new Uint8Array(data.length);
  round(data, shape, grids, codes);
  const numbers = new Float64Array(data.length);
  for (let k = 0, i = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++, i++) numbers[i] = grids.number(k, n, codes[i] as number);
  }
  const granularity =
    groups === 1 ? { kind: 'axis' as const, axis: 1 } : { kind: 'block' as const, axis: 0, size: group };
  const params = quantParams({
    scale: Array.from(scales),
    zeroPoint: Array.from(zeroPoints),
    ...(encode.levels ? { levels: encode.levels } : {}),
  });
  const type = quantType({
    storage: encode.storage,
    scheme: encode.levels ? 'codebook' : 'affine',
    granularity,
    params,
  });
  return {
    codes: { dtype: encode.storage as 'i8', shape, data: codes },
    type,
    numbers,
  };
}

/** Makes the scales of each output whole multiples of one number. Those of groups of zeros have no say. */
function roundScales(scales: Float64Array, outputs: number, weights: Float32Array, group: number): void {
  const isZero = (g: number, n: number) => {
    for (let i = g * group * outputs + n; i < Math.min((g + 1) * group * outputs, weights.length); i += outputs) {
      if (weights[i] !== 0) return false;
    }
    return true;
  };
  const groups = Array.from({ length: scales.length / outputs }, (_, g) => g);
  for (let n = 0; n < outputs; n++) {
    const { unit, steps } = nearestSteps(groups.map((g) => (isZero(g, n) ? 0 : (scales[g * outputs + n] as number))));
    for (const g of groups) scales[g * outputs + n] = unit * (steps[g] as number);
  }
}

interface Encoder {
  readonly storage: ScalarType;
  readonly signed: boolean;
  readonly levels?: readonly number[];
  /** One for each number that it encodes to, in the order of the numbers. */
  readonly codes: readonly number[];
  readonly group: (values: Float64Array) => GroupScale;
  /** The code whose number is nearest. */
  readonly code: (w: number, scale: number, zeroPoint: number) => number;
  readonly number: (code: number, scale: number, zeroPoint: number) => number;
}

/** Scales that are tried for the least squared error, as fractions of the one that the rule gives. */
const fractions = Array.from({ length: 41 }, (_, i) => 1 - i / 80);

function symmetricEncoder(scheme: WeightScheme, weights: Float32Array, outputs: number): Encoder {
  const whole = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
  const { grid, rule, isInteger } = formatOf(scheme, weights, outputs);
  const perTensor = scheme.granularity === 'tensor';
  const levels = levelsOf(grid).map((level) => (Number.isFinite(level) ? level : 0));
  const places = [...new Set([...new Set(levels)].sort((a, b) => a - b).map(grid.encode))];
  return {
    codes: isInteger ? places.map(grid.decode) : places,
    storage: (isInteger ? `i${grid.bits}` : `u${grid.bits}`) as ScalarType,
    signed: isInteger,
    ...(isInteger ? {} : { levels }),
    group(values) {
      const own = values.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      const absmean = values.reduce((sum, w) => sum + Math.abs(w), 0) / values.length;
      const chosen = rule({ absmax: perTensor ? whole : own, absmean, whole }, grid);
      const scale = scheme.range === 'mse' && scheme.scale === 'f32' ? leastError(values, chosen, grid) : chosen;
      return { scale, zeroPoint: 0 };
    },
    code: isInteger ? (w, scale) => grid.decode(grid.encode(w / scale)) : (w, scale) => grid.encode(w / scale),
    number: isInteger ? (code, scale) => code * scale : (code, scale) => (levels[code] as number) * scale,
  };
}

function leastError(values: Float64Array, scale: number, grid: Grid): number {
  let best = scale;
  let least = Number.POSITIVE_INFINITY;
  for (const fraction of fractions) {
    const candidate = Math.fround(scale * fraction);
    const error = values.reduce((sum, w) => {
      const difference = w - grid.decode(grid.encode(w / candidate)) * candidate;
      return sum + difference * difference;
    }, 0);
    if (error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}

/** S = fl32((max − min)/(2^bits − 1)) of a range that contains 0, z = half_even(−min/S). */
function asymmetricEncoder({ storage, range }: WeightScheme): Encoder {
  const bits = storageBits(storage);
  const top = 2 ** bits - 1;
  const gridOver = (low: number, high: number): GroupScale => {
    const exact = Math.fround((high - low) / top);
    const scale = exact < F32_MIN_NORMAL ? 1 : exact;
    return { scale, zeroPoint: clamp(halfEven(-low / scale), 0, top) };
  };
  const code: Encoder['code'] = (w, scale, zeroPoint) => clamp(halfEven(w / scale) + zeroPoint, 0, top);
  const number: Encoder['number'] = (one, scale, zeroPoint) => (one - zeroPoint) * scale;
  const errorOf = (values: Float64Array, { scale, zeroPoint }: GroupScale): number =>
    values.reduce((sum, w) => {
      const difference = w - number(code(w, scale, zeroPoint), scale, zeroPoint);
      return sum + difference * difference;
    }, 0);
  return {
    storage: `u${bits}` as ScalarType,
    signed: false,
    codes: Array.from({ length: top + 1 }, (_, one) => one),
    code,
    number,
    group(values) {
      const low = values.reduce((least, w) => Math.min(least, w), 0);
      const high = values.reduce((most, w) => Math.max(most, w), 0);
      const whole = gridOver(low, high);
      if (range === 'absmax') return whole;
      const candidates = fractions.map((fraction) => gridOver(low * fraction, high * fraction));
      const errors = candidates.map((one) => errorOf(values, one));
      return candidates[errors.indexOf(Math.min(...errors))] ?? whole;
    },
  };
}
