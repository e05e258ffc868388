import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { type Feature, type IntrinsicName, intrinsics, type Target } from '../../src/target/index.ts';

/** How activation codes multiply weight codes of at most 7 bits: what one vector of weights contributes. */
export interface GroupProduct {
  readonly feature: string | undefined;
  /** Outputs of a vector, neighbouring inputs of each, and accumulator registers. */
  readonly columns: number;
  readonly depth: number;
  readonly registers: number;
  /** Accumulators of `columns` outputs, all equal to a number that `splat` repeats. */
  start(k: KernelBuilder, splat: (lanes: number) => Value): Value[];
  activations(k: KernelBuilder, x: Value, index: Value): Value;
  /** Weights of one vector, as the product wants them. */
  weights(k: KernelBuilder, codes: Value): Value[];
  multiply(k: KernelBuilder, sums: readonly Value[], weights: readonly Value[], activations: Value): Value[];
  finish(k: KernelBuilder, sums: readonly Value[]): Value;
}

const featureOf = (name: IntrinsicName): Feature | undefined => intrinsics[name].feature;

/** Codes of 7 bits are the second operand, where every machine agrees on the result. */
const quads = (name: IntrinsicName, columns = 4): GroupProduct => ({
  feature: featureOf(name),
  columns,
  depth: 4,
  registers: 1,
  start: (_, splat) => [splat(columns)],
  activations: (k, x, index) => k.loadSplat(x, index, 4 * columns, 4),
  weights: (_, codes) => [codes],
  multiply: (k, [sum], [w], x) => [k.dot(name, sum as Value, x, w as Value)],
  finish: (_, [sum]) => sum as Value,
});

/** Pairs of 16-bit products: two registers hold the even and odd halves of each output's sum. */
const pairs = (name: IntrinsicName, columns: number): GroupProduct => ({
  feature: featureOf(name),
  columns,
  depth: 4,
  registers: 2,
  start: (k, splat) => {
    const even = k.interleave(splat(columns / 2), k.repeated(0, 'i32', columns / 2));
    return [even, even];
  },
  activations: (k, x, index) => k.convert(k.loadSplat(x, index, 2 * columns, 4), 'i16'),
  weights: (k, codes) => {
    const wide = k.convert(codes, 'i16');
    return [k.slice(wide, 0, 2 * columns), k.slice(wide, 2 * columns, 2 * columns)];
  },
  multiply: (k, sums, weights, x) => sums.map((sum, i) => k.dot(name, sum, weights[i] as Value, x)),
  finish: (k, [a, b]) => k.addPairs(a as Value, b as Value),
});

const single: GroupProduct = {
  feature: undefined,
  columns: 1,
  depth: 1,
  registers: 1,
  start: (_, splat) => [splat(1)],
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
  start: (_, splat) => [splat(1)],
  activations: (k, x, index) => k.load(x, index, 4),
  weights: (k, codes) => [k.convert(codes, 'i8')],
  multiply: (k, [sum], [w], x) => [k.dot('dot4_i8', sum as Value, w as Value, x)],
  finish: (_, [sum]) => sum as Value,
};

/**
 * Products of codes that are unpacked in registers as wide as the baseline's: wider pairs have nothing of their own
 * there. Nor have words in memory, nor products of several rows: these are for few.
 */
const ofRegisters: Record<IntrinsicName, GroupProduct | undefined> = {
  scalar_i8: single,
  dot4_i8: word,
  dot_i8x4: undefined,
  dot_i16x8: pairs('dot_i16x8', 4),
  dot_i16x16: undefined,
  dot_i16x32: undefined,
  dot_i8x16: quads('dot_i8x16'),
  mmla_i8x16: undefined,
  relaxed_dot_i8x16: quads('relaxed_dot_i8x16'),
  dot_u8x64: quads('dot_u8x64'),
};

/** A product for tiles of rows. */
export interface UnpackedProduct extends GroupProduct {
  /** Registers that a tile may fill with the sums of a group: its totals want as many. */
  readonly accumulators: number;
}

/** Products of codes that lie unpacked in memory: as wide as the machine's registers. */
const ofMemory: Partial<Record<IntrinsicName, UnpackedProduct>> = {
  dot_i16x8: { ...pairs('dot_i16x8', 4), accumulators: 8 },
  dot_i16x16: { ...pairs('dot_i16x16', 8), accumulators: 8 },
  dot_i8x16: { ...quads('dot_i8x16'), accumulators: 12 },
  relaxed_dot_i8x16: { ...quads('relaxed_dot_i8x16'), accumulators: 8 },
  dot_u8x64: { ...quads('dot_u8x64', 16), accumulators: 12 },
};

/** Those that take several units of packed codes in one register. */
const ofWideRegisters: Partial<Record<IntrinsicName, GroupProduct>> = {
  dot_i16x16: pairs('dot_i16x16', 8),
  dot_u8x64: quads('dot_u8x64', 16),
};

/**
 * The ways in which `target` multiplies codes that it unpacks in registers, the baseline first. They share one packing.
 * @param wide whether registers may take several units, which must be neighbours then
 */
export function groupProducts({ contractions }: Target, wide: boolean): GroupProduct[] {
  const found = contractions.map((name) => (wide ? ofWideRegisters[name] : undefined) ?? ofRegisters[name]);
  return found.filter((product) => product !== undefined);
}

/** The ways in which `target` multiplies codes that it has unpacked before, the baseline first; none: without vectors. */
export function unpackedProducts({ contractions }: Target): UnpackedProduct[] {
  return contractions.map((name) => ofMemory[name]).filter((product) => product !== undefined);
}
