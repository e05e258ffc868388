import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredWeights, tensor, type Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';
import type { KernelContext } from '../plan.ts';

/** Levels as whole numbers, which integers multiply by. */
export interface WholeLevels {
  /** Levels times this are whole numbers. */
  readonly factor: number;
  /** What is added to them so that none is negative. */
  readonly offset: number;
  /** By code. */
  readonly numbers: readonly number[];
}

/** Levels as whole numbers of at most 21 bits; undefined where they are none. */
export function wholeLevels({ levels = [] }: StoredWeights): WholeLevels | undefined {
  for (let factor = 1; factor <= 2 ** 16; factor *= 2) {
    const whole = levels.map((level) => level * factor);
    if (!whole.every(Number.isInteger)) continue;
    const offset = -Math.min(0, ...whole);
    const numbers = whole.map((level) => level + offset);
    return Math.max(...numbers) < 2 ** 21 ? { factor, offset, numbers } : undefined;
  }
  return undefined;
}

/** Digits of the whole numbers in base 128, the lowest first: each is a factor of 7 bits. */
export function digitsOf({ numbers }: WholeLevels): number[][] {
  const digits = Math.max(...numbers) < 128 ? 1 : Math.max(...numbers) < 2 ** 14 ? 2 : 3;
  return Array.from({ length: digits }, (_, i) => numbers.map((number) => Math.floor(number / 128 ** i) % 128));
}

/** Whether sums of products of levels and codes of 8 bits within a group fit 32 bits. */
export function fitsSums(stored: StoredWeights): boolean {
  const whole = wholeLevels(stored);
  return whole !== undefined && 128 * Math.max(...whole.numbers) * stored.group < 2 ** 31;
}

/** Whether a register of the target holds all levels, to be looked up at once; else they come from memory. */
export function swizzles(target: Target, { numbers }: WholeLevels): boolean {
  return target.vectorBytes === 16 && numbers.length <= 16;
}

/** Looks codes up in a table of bytes: in a register, or in memory. */
export function lookUp(k: KernelBuilder, table: Value, codes: Value, inRegister: boolean): Value {
  return inRegister ? k.swizzle(k.load(table, k.index(0), 16), codes) : k.table(table, codes);
}

/** A constant that kernels read beside the weights. */
export function besideWeights(
  { rewriter }: KernelContext,
  weights: Value,
  what: string,
  data: Float32Array | Uint8Array,
): Value {
  const { name } = constant.attributesOf(weights.op as NonNullable<Value['op']>).value;
  const element = data instanceof Float32Array ? 'f32' : 'u8';
  const value = Resource.of(`${name}.${what}`, element, data);
  return rewriter.create(constant, {}, { value }, { types: [tensor([data.length], element)] }).result;
}
