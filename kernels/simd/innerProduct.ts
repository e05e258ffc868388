import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Dim, ScalarType, Value } from '../../src/ir/index.ts';
import { type IntrinsicName, intrinsics, lanesFor, type Target } from '../../src/target/index.ts';

/**
 * How a tile computes inner products: what one step along k loads and does. A unit is the group of neighbouring
 * outputs that share one accumulator; weights lie in panels [k step][unit][column][k in step].
 */
export interface InnerProduct {
  readonly feature: string | undefined;
  /** Outputs of a unit. */
  readonly columns: number;
  /** Elements along k that one step takes. */
  readonly step: number;
  /** Accumulator registers of one unit and row. */
  readonly registers: number;
  /** Sets up what every step needs. `count`: entries of one start vector (panel padding included). */
  prepare(k: KernelBuilder, count: Dim): Steps;
}

export interface Steps {
  /** Accumulators of one unit, whose outputs begin at `column` of the start vector. */
  start(starts: Value, column: Value): Value[];
  /** The activations of one row, for one step, as the products want them. */
  activations(x: Value, index: Value): Value;
  /** The weights of one unit, for one step. */
  weights(w: Value, index: Value): Value[];
  /** The accumulators after one step. */
  multiply(accumulators: readonly Value[], weights: readonly Value[], activations: Value): Value[];
  /** The unit's results in order. */
  finish(accumulators: readonly Value[], starts: Value, column: Value): Value;
}

/**
 * Four products a lane. Machines differ in the sign of the activations: they are flipped by the mask found at load,
 * and the second start vector, −128·Σw further on, takes that back.
 */
const relaxedDot: InnerProduct = {
  feature: intrinsics.relaxed_dot_i8x16.feature,
  columns: 4,
  step: 4,
  registers: 1,
  prepare(k, count) {
    const mask = k.setting('dot_sign_mask');
    const flips = k.splat(k.convert(mask, 'i8'), 16);
    const begin = k.convert(k.and(k.shr(mask, 31), k.convert(k.index(count), 'i32')), 'index');
    return {
      start: (starts, column) => [k.load(starts, k.add(column, begin), 4)],
      activations: (x, index) => k.xor(k.loadSplat(x, index, 16, 4), flips),
      weights: (w, index) => [k.load(w, index, 16)],
      multiply: ([sum], [w], x) => [k.dot('relaxed_dot_i8x16', sum as Value, w as Value, x)],
      finish: ([sum]) => sum as Value,
    };
  },
};

/** The same panels by products of 16-bit pairs: two registers hold the even and odd halves of four sums. */
const pairDot: InnerProduct = {
  feature: undefined,
  columns: 4,
  step: 4,
  registers: 2,
  prepare(k) {
    const half = (w: Value, index: Value) => k.convert(k.load(w, index, 8), 'i16');
    return {
      start: () => [k.repeated(0, 'i32', 4), k.repeated(0, 'i32', 4)],
      activations: (x, index) => k.convert(k.loadSplat(x, index, 8, 4), 'i16'),
      weights: (w, index) => [half(w, index), half(w, k.add(index, k.index(8)))],
      multiply: (sums, weights, x) => sums.map((sum, i) => k.dot('dot_i16x8', sum, weights[i] as Value, x)),
      finish: ([a, b], starts, column) => k.add(k.addPairs(a as Value, b as Value), k.load(starts, column, 4)),
    };
  },
};

/** One product a time. */
const scalarDot: InnerProduct = {
  feature: undefined,
  columns: 1,
  step: 1,
  registers: 1,
  prepare: (k) => ({
    start: (starts, column) => [k.load(starts, column)],
    activations: (x, index) => k.load(x, index),
    weights: (w, index) => [k.load(w, index)],
    multiply: ([sum], [w], x) => [k.dot('scalar_i8', sum as Value, w as Value, x)],
    finish: ([sum]) => sum as Value,
  }),
};

/** Four products of the lanes of a word. */
const wordDot: InnerProduct = {
  feature: undefined,
  columns: 1,
  step: 4,
  registers: 1,
  prepare: (k) => ({
    start: (starts, column) => [k.load(starts, column)],
    activations: (x, index) => k.load(x, index, 4),
    weights: (w, index) => [k.load(w, index, 4)],
    multiply: ([sum], [w], x) => [k.dot('dot4_i8', sum as Value, w as Value, x)],
    finish: ([sum]) => sum as Value,
  }),
};

/** Floats: a unit is a register of outputs. */
function floatProduct(lanes: number, feature: string | undefined): InnerProduct {
  return {
    feature,
    columns: lanes,
    step: 1,
    registers: 1,
    prepare: (k) => ({
      start: (starts, column) => [k.load(starts, column, lanes)],
      activations: (x, index) => k.loadSplat(x, index, lanes),
      weights: (w, index) => [k.load(w, index, lanes)],
      multiply: ([sum], [w], x) => [k.mulAdd(x, w as Value, sum as Value)],
      finish: ([sum]) => sum as Value,
    }),
  };
}

const byIntrinsic: Record<IntrinsicName, InnerProduct> = {
  scalar_i8: scalarDot,
  dot4_i8: wordDot,
  dot_i16x8: pairDot,
  relaxed_dot_i8x16: relaxedDot,
};

/** The ways in which `target` computes inner products of `element`, the baseline first. They share one packing. */
export function innerProducts(target: Target, element: ScalarType): InnerProduct[] {
  if (element === 'i8') return target.contractions.map((name) => byIntrinsic[name]);
  const features = new Set(target.contractions.map((name) => intrinsics[name].feature));
  return [...features].map((feature) => floatProduct(lanesFor(target, 4), feature));
}
