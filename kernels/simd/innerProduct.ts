import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Dim, ScalarType, Value } from '../../src/ir/index.ts';
import { type Intrinsic, type IntrinsicName, intrinsics, lanesFor, type Target } from '../../src/target/index.ts';

/**
 * How a tile computes inner products: what one step along k loads and does. A unit is the group of neighbouring
 * outputs that share one accumulator; weights lie in panels [k step][unit][column][k in step].
 */
export interface InnerProduct {
  readonly feature: string | undefined;
  /** Outputs of a unit. */
  readonly columns: number;
  /** Elements along k of one step of the panels. */
  readonly step: number;
  /** Steps that one product takes; the last takes those that are left. Default 1. */
  readonly together?: number;
  /** Rows that one product multiplies by the same weights. Default 1. */
  readonly rows?: number;
  /** Accumulator registers of one unit and row, or of as many rows as a product has. */
  readonly registers: number;
  /** Accumulators that a tile may have; undefined: as many as the target says. */
  readonly accumulators?: number | undefined;
  /** Whether start vectors come in two kinds, for activations as they are and with their sign bits turned. */
  readonly flips?: boolean;
  /** Sets up what every step needs. `count`: entries of one start vector (panel padding included). */
  prepare(k: KernelBuilder, count: Dim): Steps;
}

export interface Steps {
  /** Accumulators of one unit, whose outputs begin at `column` of the start vector. */
  start(starts: Value, column: Value): Value[];
  /** The activations of the product's rows, which begin at these places, as it wants them. */
  activations(x: Value, rows: Places): Value;
  /** The weights of one unit, for the steps at these places: as many as the product takes, or fewer at the end. */
  weights(w: Value, steps: Places): Value[];
  /** The accumulators after one product. */
  multiply(accumulators: readonly Value[], weights: readonly Value[], activations: Value): Value[];
  /** The unit's results in order, for each of the product's rows. */
  finish(accumulators: readonly Value[], starts: Value, column: Value): readonly Value[];
}

/** Places in a buffer, one at least. */
export type Places = readonly [Value, ...Value[]];

/** What an instruction needs of the machine. */
function wayOf(name: IntrinsicName): Pick<InnerProduct, 'feature' | 'accumulators'> {
  const { feature, accumulators }: Intrinsic = intrinsics[name];
  return { feature, accumulators };
}

/**
 * Four products a lane. Machines differ in the sign of the activations: they are flipped by the mask found at load,
 * and the second start vector, −128·Σw further on, takes that back. `turned`: they lie in memory flipped already.
 */
function flippedQuads(name: IntrinsicName, columns: number, turned = false): InnerProduct {
  const { turnedAccumulators }: Intrinsic = intrinsics[name];
  return {
    ...wayOf(name),
    ...(turned ? { accumulators: turnedAccumulators } : {}),
    columns,
    step: 4,
    registers: 1,
    flips: true,
    prepare(k, count) {
      const mask = k.setting('dot_sign_mask');
      const flips = turned ? undefined : k.splat(k.convert(mask, 'i8'), 4 * columns);
      const begin = k.convert(k.and(k.shr(mask, 31), k.convert(k.index(count), 'i32')), 'index');
      return {
        start: (starts, column) => [k.load(starts, k.add(column, begin), columns)],
        activations: (x, [index]) => {
          const loaded = k.loadSplat(x, index, 4 * columns, 4);
          return flips ? k.xor(loaded, flips) : loaded;
        },
        weights: (w, [index]) => [k.load(w, index, 4 * columns)],
        multiply: ([sum], [w], x) => [k.dot(name, sum as Value, w as Value, x)],
        finish: ([sum]) => [sum as Value],
      };
    },
  };
}

/** What a step of one register does at a place along k. */
interface PlainSteps {
  readonly activations: (k: KernelBuilder, x: Value, at: Value) => Value;
  /** Default: as they lie in memory. */
  readonly weights?: (k: KernelBuilder, w: Value, at: Value) => Value;
  readonly multiply: (k: KernelBuilder, sum: Value, w: Value, x: Value) => Value;
}

/** A unit whose outputs share one register, from the start vector to the results. */
function oneRegister(
  way: Pick<InnerProduct, 'feature' | 'accumulators' | 'columns' | 'step'>,
  { activations, weights = (k, w, at) => k.load(w, at, way.columns * way.step), multiply }: PlainSteps,
): InnerProduct {
  return {
    ...way,
    registers: 1,
    prepare: (k) => ({
      start: (starts, column) => [k.load(starts, column, way.columns)],
      activations: (x, [at]) => activations(k, x, at),
      weights: (w, [at]) => [weights(k, w, at)],
      multiply: ([sum], [w], x) => [multiply(k, sum as Value, w as Value, x)],
      finish: ([sum]) => [sum as Value],
    }),
  };
}

/** Four products a lane of signed codes. */
const signedQuads = oneRegister(
  { ...wayOf('dot_i8x16'), columns: 4, step: 4 },
  {
    activations: (k, x, at) => k.loadSplat(x, at, 16, 4),
    multiply: (k, sum, w, x) => k.dot('dot_i8x16', sum, w, x),
  },
);

/**
 * The same panels two steps at a time: eight products a lane, of two outputs for two rows. Halves of the steps are
 * brought together, and behind the last one of an odd number stand zeros.
 */
const products: InnerProduct = {
  ...wayOf('mmla_i8x16'),
  columns: 4,
  step: 4,
  together: 2,
  rows: 2,
  registers: 2,
  prepare: (k) => ({
    start: (starts, column) => [0, 2].map((i) => k.loadSplat(starts, k.add(column, k.index(i)), 4, 2)),
    activations: (x, rows) => k.concat(rows.map((index) => k.load(x, index, 8))),
    weights(w, [first, second]) {
      const low = k.load(w, first, 16);
      const high = second ? k.load(w, second, 16) : k.constant(0, 'i8', low);
      const both = k.interleave(low, high, 4);
      return [k.slice(both, 0, 16), k.slice(both, 16, 16)];
    },
    multiply: (sums, weights, x) => sums.map((sum, i) => k.dot('mmla_i8x16', sum, weights[i] as Value, x)),
    finish([a, b]) {
      const rows = k.interleave(a as Value, b as Value, 2);
      return [k.slice(rows, 0, 4), k.slice(rows, 4, 4)];
    },
  }),
};

/** The same panels by products of 16-bit pairs: two registers hold the even and odd halves of each output's sum. */
function pairDot(name: IntrinsicName, columns: number): InnerProduct {
  return {
    ...wayOf(name),
    columns,
    step: 4,
    registers: 2,
    prepare(k) {
      const half = (w: Value, index: Value) => k.convert(k.load(w, index, 2 * columns), 'i16');
      return {
        start: () => [k.repeated(0, 'i32', columns), k.repeated(0, 'i32', columns)],
        activations: (x, [index]) => k.convert(k.loadSplat(x, index, 2 * columns, 4), 'i16'),
        weights: (w, [index]) => [half(w, index), half(w, k.add(index, k.index(2 * columns)))],
        multiply: (sums, weights, x) => sums.map((sum, i) => k.dot(name, sum, weights[i] as Value, x)),
        finish: ([a, b], starts, column) => [
          k.add(k.addPairs(a as Value, b as Value), k.load(starts, column, columns)),
        ],
      };
    },
  };
}

/** 16-bit activations by 8-bit weights: a pair of products a lane. Machines with wider registers take more outputs. */
const widePairs = (name: IntrinsicName, columns: number): InnerProduct =>
  oneRegister(
    { ...wayOf(name), columns, step: 2 },
    {
      activations: (k, x, at) => k.loadSplat(x, at, 2 * columns, 2),
      weights: (k, w, at) => k.convert(k.load(w, at, 2 * columns), 'i16'),
      multiply: (k, sum, w, x) => k.dot(name, sum, w, x),
    },
  );

const scalar = { feature: undefined, columns: 1, step: 1 } as const;

/** The same, one product a time. */
const wideScalar = oneRegister(scalar, {
  activations: (k, x, at) => k.convert(k.load(x, at), 'i32'),
  weights: (k, w, at) => k.convert(k.load(w, at), 'i32'),
  multiply: (k, sum, w, x) => k.add(sum, k.mul(w, x)),
});

/** One product a time. */
const scalarDot = oneRegister(scalar, {
  activations: (k, x, at) => k.load(x, at),
  multiply: (k, sum, w, x) => k.dot('scalar_i8', sum, w, x),
});

/** Four products of the lanes of a word. */
const wordDot = (name: 'dot4_i8' | 'dot_i8x4'): InnerProduct =>
  oneRegister(
    { ...wayOf(name), columns: 1, step: 4 },
    { activations: (k, x, at) => k.load(x, at, 4), multiply: (k, sum, w, x) => k.dot(name, sum, w, x) },
  );

/** Floats: a unit is a register of outputs. */
const floatProduct = (name: IntrinsicName, lanes: number): InnerProduct =>
  oneRegister(
    { ...wayOf(name), columns: lanes, step: 1 },
    { activations: (k, x, at) => k.loadSplat(x, at, lanes), multiply: (k, sum, w, x) => k.mulAdd(x, w, sum) },
  );

/** Products for panels of `width` outputs. */
const byIntrinsic: Record<IntrinsicName, ((width: number, turned: boolean) => InnerProduct) | undefined> = {
  scalar_i8: () => scalarDot,
  dot4_i8: () => wordDot('dot4_i8'),
  dot_i8x4: () => wordDot('dot_i8x4'),
  dot_i16x8: () => pairDot('dot_i16x8', 4),
  dot_i16x16: (width) => pairDot('dot_i16x16', Math.min(8, width)),
  // where it is, 8-bit codes have an instruction of their own
  dot_i16x32: undefined,
  dot_i8x16: () => signedQuads,
  mmla_i8x16: () => products,
  relaxed_dot_i8x16: (_, turned) => flippedQuads('relaxed_dot_i8x16', 4, turned),
  dot_u8x64: (width) => flippedQuads('dot_u8x64', Math.min(16, width)),
};

/** Outputs that a panel must have beside one another so that the widest product of `target` is filled. */
export function widestUnit(target: Target): number {
  return Math.max(...target.contractions.map((name) => intrinsics[name].columns));
}

/** Those of 16-bit activations: by the products of 16-bit lanes that there are. */
function wideProducts(contractions: readonly IntrinsicName[], width: number): InnerProduct[] {
  const found = contractions.filter((name) => intrinsics[name].element === 'i16');
  if (found.length === 0) return [wideScalar];
  return found.map((name) => widePairs(name, Math.min(intrinsics[name].lanes, width)));
}

/**
 * The ways in which `target` computes inner products of `element`, the baseline first, for panels of `width` outputs.
 * They share one packing. The baseline's is the same for every width. `turned`: the activations are results of int.turned.
 */
export function innerProducts(
  target: Target,
  element: ScalarType,
  width = widestUnit(target),
  turned = false,
): InnerProduct[] {
  const { contractions } = target;
  if (element === 'i8') {
    return contractions.map((name) => byIntrinsic[name]?.(width, turned)).filter((product) => product !== undefined);
  }
  if (element === 'i16') return wideProducts(contractions, width);
  const lanes = lanesFor(target, 4);
  return contractions.flatMap((name, i) => {
    const { floats, lanes: most }: Intrinsic = intrinsics[name];
    return i === 0 || floats ? [floatProduct(name, i === 0 ? lanes : Math.min(Math.max(lanes, most), width))] : [];
  });
}
