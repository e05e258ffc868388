import type { ScalarType } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { isUnsigned, laneBytes } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

type Unary = (a: Expression) => Expression;
type Binary = (a: Expression, b: Expression) => Expression;

/** The instructions on lanes of integers of 8, 16, 32 and 64 bits, by their width in bytes. */
export function integerLanes(c: KernelContext, width: number) {
  const { m } = c;
  const lanes = { 1: m.i8x16, 2: m.i16x8, 4: m.i32x4, 8: m.i64x2 }[width];
  invariant(lanes, `lanes of ${width} bytes`);
  return lanes;
}

/** The namespace of an element's lanes. */
export function lanesOfElement(c: KernelContext, element: ScalarType) {
  return element === 'f32' ? c.m.f32x4 : integerLanes(c, laneBytes(element));
}

/** min or max as the dialect means it: the first operand stays unless the second is strictly beyond it. */
export function extremum(c: KernelContext, which: 'min' | 'max', element: ScalarType): Binary {
  const { m } = c;
  if (element === 'f32') return which === 'min' ? m.f32x4.pmin : m.f32x4.pmax;
  const name = `${which}_${isUnsigned(element) ? 'u' : 's'}` as const;
  const lanes = { 1: m.i8x16, 2: m.i16x8, 4: m.i32x4 }[laneBytes(element)];
  invariant(lanes, `no ${name} on lanes of ${element}`);
  return lanes[name];
}

/** Extends the low (0) or high (1) half of a register's lanes to twice their width. */
export function extend(c: KernelContext, width: number, unsigned: boolean, half: number): Unary {
  const { m } = c;
  const table: Record<number, readonly [Unary, Unary, Unary, Unary]> = {
    1: [
      m.i16x8.extend_low_i8x16_s,
      m.i16x8.extend_high_i8x16_s,
      m.i16x8.extend_low_i8x16_u,
      m.i16x8.extend_high_i8x16_u,
    ],
    2: [
      m.i32x4.extend_low_i16x8_s,
      m.i32x4.extend_high_i16x8_s,
      m.i32x4.extend_low_i16x8_u,
      m.i32x4.extend_high_i16x8_u,
    ],
    4: [
      m.i64x2.extend_low_i32x4_s,
      m.i64x2.extend_high_i32x4_s,
      m.i64x2.extend_low_i32x4_u,
      m.i64x2.extend_high_i32x4_u,
    ],
  };
  return (table[width] as readonly Unary[])[(unsigned ? 2 : 0) + half] as Unary;
}

/** Lane `lane` of a vector as a scalar in its normal form. */
export function extractLane(c: KernelContext, registers: readonly Register[], element: ScalarType, lane: number) {
  const { m } = c;
  const width = laneBytes(element);
  const inRegister = 16 / width;
  const register = (registers[Math.floor(lane / inRegister)] as Register)();
  const at = lane % inRegister;
  if (element === 'f32') return m.f32x4.extract_lane(register, at);
  if (width === 8) return m.i64x2.extract_lane(register, at);
  if (width === 4) return m.i32x4.extract_lane(register, at);
  const lanes = width === 1 ? m.i8x16 : m.i16x8;
  return isUnsigned(element) ? lanes.extract_lane_u(register, at) : lanes.extract_lane_s(register, at);
}

/** A vector from its lanes. */
export function fromLanes(c: KernelContext, element: ScalarType, lanes: readonly Expression[]): Register[] {
  const inRegister = 16 / laneBytes(element);
  const ops = lanesOfElement(c, element);
  const registers: Register[] = [];
  for (let at = 0; at < lanes.length; at += inRegister) {
    const [first, ...rest] = lanes.slice(at, at + inRegister) as [Expression, ...Expression[]];
    const joined = rest.reduce((v, lane, i) => ops.replace_lane(v, i + 1, lane), ops.splat(first));
    registers.push(c.hold(joined));
  }
  return registers;
}

/** A constant in every lane. */
export function splatConstant(c: KernelContext, element: ScalarType, value: number, width: number): Register {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 16; at += width) {
    if (element === 'f32') view.setFloat32(at, value, true);
    else if (element === 'i1') view.setInt8(at, value ? -1 : 0);
    else if (width === 8) view.setBigInt64(at, BigInt(value), true);
    else if (width === 4) view.setInt32(at, value, true);
    else if (width === 2) view.setInt16(at, value, true);
    else view.setInt8(at, value);
  }
  return c.constant(bytes);
}
