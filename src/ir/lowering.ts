import type { Dim } from './dim.ts';
import type { Op, Value } from './op.ts';
import type { ScalarType } from './scalar.ts';

/**
 * The scalar arithmetic of kernel bodies. Every method works on scalars and, lane by lane, on vectors; both
 * operands of a binary method have the same type. The meaning of each, edge cases included, is that of the
 * `kernel` primitive of the same name.
 */
export interface BodyBuilder {
  /** A constant of `element`, splatted to `like`'s lanes when that is a vector. */
  constant(value: number, element: ScalarType, like?: Value): Value;
  /** A size of a tensor as a number of `element`, splatted to `like`'s lanes when that is a vector. */
  size(value: Dim, element: ScalarType, like?: Value): Value;
  add(a: Value, b: Value): Value;
  sub(a: Value, b: Value): Value;
  mul(a: Value, b: Value): Value;
  div(a: Value, b: Value): Value;
  min(a: Value, b: Value): Value;
  max(a: Value, b: Value): Value;
  neg(a: Value): Value;
  abs(a: Value): Value;
  and(a: Value, b: Value): Value;
  or(a: Value, b: Value): Value;
  xor(a: Value, b: Value): Value;
  /** Shift by a constant count in [0, bits). `shr` is arithmetic for signed types. */
  shl(a: Value, count: number): Value;
  shr(a: Value, count: number): Value;
  /** Comparison; the result is an i1 mask for select. */
  cmp(predicate: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Value, b: Value): Value;
  select(condition: Value, a: Value, b: Value): Value;
  floor(a: Value): Value;
  ceil(a: Value): Value;
  roundEven(a: Value): Value;
  sqrt(a: Value): Value;
  /** Conversion between element types: float to integer saturates (NaN is 0); integers wrap when narrowed. */
  convert(a: Value, to: ScalarType): Value;
  /** Integer narrowing that saturates to the range of `to`. */
  narrowSaturate(a: Value, to: ScalarType): Value;
  /** Reinterprets the bits as a type of the same width. */
  bitcast(a: Value, to: ScalarType): Value;
  /** The f32 that the bits (u16) of an f16 stand for, and the bits of the f16 nearest to an f32. */
  decodeF16(a: Value): Value;
  encodeF16(a: Value): Value;
  /** (a·m + 2^(shift−1)) >> shift, exact in 64 bits, for i32 a, m and shift in 2..62; the result wraps to i32. */
  mulShift(a: Value, m: Value, shift: number): Value;
  /** 8-bit codes with their sign bits turned over where the machine's dot product wants them so. */
  turned(a: Value): Value;
  /** Element `index` (u8 or i8 code, offset to 0..255) of a 256-entry table in weights. */
  table(base: Value, index: Value): Value;
}

/** How one operand axis is walked: by which result axis (undefined: none), with what stride and offset in steps. */
export interface AxisIndex {
  readonly axis: number | undefined;
  readonly stride: number;
  readonly offset: Dim;
}

/**
 * How an op becomes kernels.
 * - `elementwise`: result[i] = body(operands[i]…), operands broadcast to the result's shape as in NumPy.
 * - `reduce`: result = finish(combine over `axes` of operand 0, from `init`).
 * - `view`: result[i] = operand 0 at `index(i)`: operand axis a is at Σ over its one result axis · stride + offset;
 *   outside the operand the value is `fill` (pad). Transpose, slice, pad, broadcast, reverse.
 * - `alias`: the result is the operand's bytes (reshape, identity).
 * - `template`: written by hand once a family, found by name in kernels/. `pointwise`: result[i] is made of operand 0 at i,
 *   in whatever order both lie.
 */
export type Lowering =
  | {
      readonly kind: 'elementwise';
      readonly body: (k: BodyBuilder, args: readonly Value[], op: Op) => Value;
    }
  | {
      readonly kind: 'reduce';
      readonly axes: (op: Op) => readonly number[];
      readonly init: (op: Op) => number;
      /** Element type of the accumulator. */
      readonly accumulator: (op: Op) => ScalarType;
      readonly prepare?: (k: BodyBuilder, x: Value, op: Op) => Value;
      readonly combine: (k: BodyBuilder, accumulator: Value, x: Value, op: Op) => Value;
      readonly finish?: (k: BodyBuilder, accumulator: Value, op: Op) => Value;
    }
  | {
      readonly kind: 'view';
      /** For each operand axis. */
      readonly index: (op: Op) => readonly AxisIndex[];
      /** Value outside the operand, as a stored element; absent when the index never leaves it. */
      readonly fill?: (op: Op) => number | undefined;
    }
  | { readonly kind: 'alias' }
  | { readonly kind: 'template'; readonly template: string; readonly pointwise?: boolean };
