import { type QuantType, quantParams, quantType, type ScalarType } from '../../src/ir/index.ts';
import { clamp, F32_MIN_NORMAL, formats, halfEven } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { formatOf } from './weightFormat.ts';

const { levelsOf } = formats;
type Grid = formats.Grid;

/** Weights [inputs, outputs] as codes, and the type that says how they stand for numbers. */
export interface StoredMatrix {
  readonly codes: HostTensor;
  readonly type: QuantType;
  /** What the codes stand for. */
  readonly numbers: Float64Array;
}

/** The grid on which a group of weights is rounded. */
export interface GroupGrid {
  readonly scale: number;
  readonly zeroPoint: number;
  /** The code whose number is nearest. */
  readonly code: (w: number) => number;
  readonly number: (code: number) => number;
}

/** Chooses the codes of weights [inputs, outputs]: `gridAt` tells the grid of input k and output n. */
export type Rounding = (
  weights: Float32Array,
  shape: readonly [inputs: number, outputs: number],
  gridAt: (k: number, n: number) => GroupGrid,
  codes: Int8Array | Uint8Array,
) => void;

/** Every weight by itself. */
export const roundToNearest: Rounding = (weights, [, outputs], gridAt, codes) => {
  for (let i = 0; i < weights.length; i++) {
    codes[i] = gridAt(Math.floor(i / outputs), i % outputs).code(weights[i] as number);
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
  const grids: GroupGrid[] = [];
  const column = new Float64Array(group);
  for (let g = 0; g < groups; g++) {
    const [from, to] = [g * group, Math.min((g + 1) * group, inputs)];
    for (let n = 0; n < outputs; n++) {
      for (let k = from; k < to; k++) column[k - from] = data[k * outputs + n] as number;
      grids.push(encode.group(column.subarray(0, to - from)));
    }
  }
  const gridAt = (k: number, n: number) => grids[Math.floor(k / group) * outputs + n] as GroupGrid;
  const codes = encode.signed ? new Int8Array(data.length) : new Uint8Array(data.length);
  round(data, shape, gridAt, codes);
  const granularity =
    groups === 1 ? { kind: 'axis' as const, axis: 1 } : { kind: 'block' as const, axis: 0, size: group };
  const params = quantParams({
    scale: grids.map(({ scale }) => scale),
    zeroPoint: grids.map(({ zeroPoint }) => zeroPoint),
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
    numbers: Float64Array.from(codes, (code, i) => gridAt(Math.floor(i / outputs), i % outputs).number(code)),
  };
}

interface Encoder {
  readonly storage: ScalarType;
  readonly signed: boolean;
  readonly levels?: readonly number[];
  readonly group: (values: Float64Array) => GroupGrid;
}

/** Scales that are tried for the least squared error, as fractions of the one that the rule gives. */
const fractions = Array.from({ length: 41 }, (_, i) => 1 - i / 80);

function symmetricEncoder(scheme: WeightScheme, weights: Float32Array, outputs: number): Encoder {
  const whole = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
  const { grid, rule, isInteger } = formatOf(scheme, weights, outputs);
  const perTensor = scheme.granularity === 'tensor';
  const levels = levelsOf(grid).map((level) => (Number.isFinite(level) ? level : 0));
  return {
    storage: (isInteger ? `i${grid.bits}` : `u${grid.bits}`) as ScalarType,
    signed: isInteger,
    ...(isInteger ? {} : { levels }),
    group(values) {
      const own = values.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      const absmean = values.reduce((sum, w) => sum + Math.abs(w), 0) / values.length;
      const chosen = rule({ absmax: perTensor ? whole : own, absmean, whole }, grid);
      const scale = scheme.range === 'mse' && scheme.scale === 'f32' ? leastError(values, chosen, grid) : chosen;
      const code = (w: number) => (isInteger ? grid.decode(grid.encode(w / scale)) : grid.encode(w / scale));
      const number = (c: number) => (isInteger ? c : (levels[c] as number)) * scale;
      return { scale, zeroPoint: 0, code, number };
    },
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
  const encoderOf = (low: number, high: number): GroupGrid => {
    const exact = Math.fround((high - low) / top);
    const scale = exact < F32_MIN_NORMAL ? 1 : exact;
    const zeroPoint = clamp(halfEven(-low / scale), 0, top);
    return {
      scale,
      zeroPoint,
      code: (w) => clamp(halfEven(w / scale) + zeroPoint, 0, top),
      number: (code) => (code - zeroPoint) * scale,
    };
  };
  const errorOf = (values: Float64Array, { code, number }: GroupGrid): number =>
    values.reduce((sum, w) => {
      const difference = w - number(code(w));
      return sum + difference * difference;
    }, 0);
  return {
    storage: `u${bits}` as ScalarType,
    signed: false,
    group(values) {
      const low = values.reduce((least, w) => Math.min(least, w), 0);
      const high = values.reduce((most, w) => Math.max(most, w), 0);
      const whole = encoderOf(low, high);
      if (range === 'absmax') return whole;
      const candidates = fractions.map((fraction) => encoderOf(low * fraction, high * fraction));
      const errors = candidates.map((one) => errorOf(values, one));
      return candidates[errors.indexOf(Math.min(...errors))] ?? whole;
    },
  };
}
