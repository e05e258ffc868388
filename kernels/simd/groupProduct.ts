import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { type IntrinsicName, intrinsics, type Target } from '../../src/target/index.ts';

/** How activation codes multiply weight codes of at most 7 bits: what one vector of weights contributes. */
export interface GroupProduct {
  readonly feature: string | undefined;
  /** Outputs of a vector, neighbouring inputs of each, and accumulator registers. */
  readonly columns: number;
  readonly depth: number;
  readonly registers: number;
  /** Accumulators of `columns` outputs, all equal to a scalar. */
  start(k: KernelBuilder, value: Value): Value[];
  activations(k: KernelBuilder, x: Value, index: Value): Value;
  /** Weights of one vector, as the product wants them. */
  weights(k: KernelBuilder, codes: Value): Value[];
  multiply(k: KernelBuilder, sums: readonly Value[], weights: readonly Value[], activations: Value): Value[];
  finish(k: KernelBuilder, sums: readonly Value[]): Value;
}

/** Codes of 7 bits are the second operand, where every machine agrees on the result. */
const quads = (name: IntrinsicName): GroupProduct => ({
  feature: intrinsics[name].feature,
  columns: 4,
  depth: 4,
  registers: 1,
  start: (k, value) => [k.splat(value, 4)],
  activations: (k, x, index) => k.loadSplat(x, index, 16, 4),
  weights: (_, codes) => [codes],
  multiply: (k, [sum], [w], x) => [k.dot(name, sum as Value, x, w as Value)],
  finish: (_, [sum]) => sum as Value,
});

const pairs: GroupProduct = {
  feature: undefined,
  columns: 4,
  depth: 4,
  registers: 2,
  start: (k, value) => {
    const even = k.interleave(k.splat(value, 2), k.repeated(0, 'i32', 2));
    return [even, even];
  },
  activations: (k, x, index) => k.convert(k.loadSplat(x, index, 8, 4), 'i16'),
  weights: (k, codes) => {
    const wide = k.convert(codes, 'i16');
    return [k.slice(wide, 0, 8), k.slice(wide, 8, 8)];
  },
  multiply: (k, sums, weights, x) => sums.map((sum, i) => k.dot('dot_i16x8', sum, weights[i] as Value, x)),
  finish: (k, [a, b]) => k.addPairs(a as Value, b as Value),
};

const single: GroupProduct = {
  feature: undefined,
  columns: 1,
  depth: 1,
  registers: 1,
  start: (_, value) => [value],
  activations: (k, x, index) => k.load(x, index),
  weights: (_, codes) => [codes],
  multiply: (k, [sum], [w], x) => [k.add(sum as Value, k.mul(k.convert(w as Value, 'i32'), k.convert(x, 'i32')))],
  finish: (_, [sum]) => sum as Value,
};

/** Four products of the lanes of a word: codes of 7 bits are not negative as i8 either. */
const word: GroupProduct = {
  feature: undefined,
  columns: 1,
  depth: 4,
  registers: 1,
  start: (_, value) => [value],
  activations: (k, x, index) => k.load(x, index, 4),
  weights: (k, codes) => [k.convert(codes, 'i8')],
  multiply: (k, [sum], [w], x) => [k.dot('dot4_i8', sum as Value, w as Value, x)],
  finish: (_, [sum]) => sum as Value,
};

/**
 * Wider pairs have nothing of their own here: tiles are as wide as the baseline's registers. Nor have words in memory,
 * where codes are unpacked in registers, nor products of several rows: groups are for few.
 */
const byIntrinsic: Record<IntrinsicName, GroupProduct | undefined> = {
  scalar_i8: single,
  dot4_i8: word,
  dot_i8x4: undefined,
  dot_i16x8: pairs,
  dot_i16x16: undefined,
  dot_i16x32: undefined,
  dot_i8x16: quads('dot_i8x16'),
  mmla_i8x16: undefined,
  relaxed_dot_i8x16: quads('relaxed_dot_i8x16'),
  dot_u8x64: quads('dot_u8x64'),
};

/** The ways in which `target` multiplies codes, the baseline first. They share one packing. */
export function groupProducts(target: Target): GroupProduct[] {
  return target.contractions.map((name) => byIntrinsic[name]).filter((product) => product !== undefined);
}
