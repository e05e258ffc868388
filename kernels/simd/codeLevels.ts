import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredWeights, tensor, type Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';
import type { KernelContext } from '../plan.ts';

/** Levels as whole numbers of 7 bits, which integers multiply by and a register of 16 bytes can hold. */
export interface WholeLevels {
  /** Levels times this are whole numbers. */
  readonly factor: number;
  /** What is added to them so that none is negative. */
  readonly offset: number;
  /** By code. */
  readonly numbers: readonly number[];
}

/** Levels as whole numbers of 7 bits; undefined where they are none. */
export function wholeLevels({ levels = [] }: StoredWeights): WholeLevels | undefined {
  for (const factor of [1, 2, 4, 8]) {
    const whole = levels.map((level) => level * factor);
    const offset = -Math.min(0, ...whole);
    if (!whole.every(Number.isInteger) || Math.max(...whole) + offset > 127) continue;
    return { factor, offset, numbers: whole.map((level) => level + offset) };
  }
  return undefined;
}

/** Whether a register of the target holds all of them, to be looked up at once; else they come from memory. */
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
