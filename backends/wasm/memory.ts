import { elementOf, lanesOf, lanewisePrimitives, loadSplat, store } from '../../dialects/kernel/index.ts';
import type { Op, ScalarType, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type Address, addressOf } from './addresses.ts';
import { resizeMask, widen } from './conversions.ts';
import { splatConstant } from './laneops.ts';
import { isUnsigned, laneBytes, laneShape, registerBytes } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

/** Nothing is assumed about the alignment of buffers' elements. */
const align = 1;

function loadScalar(c: KernelContext, { base, offset }: Address, element: ScalarType): Expression {
  const { m } = c;
  const at = base();
  switch (laneBytes(element)) {
    case 1:
      return isUnsigned(element) ? m.i32.load8_u(offset, align, at) : m.i32.load8_s(offset, align, at);
    case 2:
      return isUnsigned(element) ? m.i32.load16_u(offset, align, at) : m.i32.load16_s(offset, align, at);
    case 4:
      return element === 'f32' ? m.f32.load(offset, align, at) : m.i32.load(offset, align, at);
    default:
      return m.i64.load(offset, align, at);
  }
}

/** `bytes` bytes into the low part of a register. Odd sizes read the whole register: the slack allows it. */
function loadPart(c: KernelContext, { base, offset }: Address, bytes: number): Expression {
  const { v128 } = c.m;
  const at = base();
  if (bytes === 8) return v128.load64_zero(offset, align, at);
  if (bytes === 4) return v128.load32_zero(offset, align, at);
  if (bytes === 2) return v128.load16_splat(offset, align, at);
  if (bytes === 1) return v128.load8_splat(offset, align, at);
  return v128.load(offset, align, at);
}

/** Consecutive bytes in as many registers as they need. */
function loadBytes(c: KernelContext, { base, offset }: Address, bytes: number): Register[] {
  const registers: Register[] = [];
  for (let at = 0; at < bytes; at += registerBytes) {
    registers.push(c.hold(loadPart(c, { base, offset: offset + at }, Math.min(registerBytes, bytes - at))));
  }
  return registers;
}

/** The conversion that is the only use of a loaded vector and makes its integers wider, or undefined. */
function wideningUse(op: Op): Op | undefined {
  const [use, other] = op.result.uses;
  const from = elementOf(op.result);
  if (!use || other || from === 'i1' || from === 'f32') return undefined;
  if (use.op.definition !== lanewisePrimitives.convert.definition) return undefined;
  const to = elementOf(use.op.result);
  return to !== 'f32' && to !== 'i1' && laneBytes(to) > laneBytes(from) ? use.op : undefined;
}

/** Loads that extend what they read: eight bytes become a register of lanes twice as wide. */
function loadWidened(c: KernelContext, { base, offset }: Address, value: Value, to: ScalarType): readonly Register[] {
  const { v128 } = c.m;
  const element = elementOf(value);
  const lanes = lanesOf(value);
  const width = laneBytes(element);
  const unsigned = isUnsigned(element);
  const load = {
    1: unsigned ? v128.load8x8_u : v128.load8x8_s,
    2: unsigned ? v128.load16x4_u : v128.load16x4_s,
    4: unsigned ? v128.load32x2_u : v128.load32x2_s,
  }[width];
  invariant(load, `no widening load of ${element}`);
  const bytes = lanes * width;
  if (bytes < 8) return widen(c, loadBytes(c, { base, offset }, bytes), lanes, unsigned, width, laneBytes(to));
  const registers: Register[] = [];
  for (let at = 0; at < bytes; at += 8) registers.push(c.hold(load(offset + at, align, base())));
  return widen(c, registers, lanes, unsigned, 2 * width, laneBytes(to));
}

/**
 * V8 adds the constant of a load that repeats or widens what it reads by an instruction of its own, once for all loads of
 * the same constant: few constants and a base for each row of a tile are fewer instructions.
 */
const nearBytes = 32;

/** Emits kernel.load. A vector that is only widened is loaded so, and the conversion costs nothing (see `isAbsorbed`). */
export function emitLoad(c: KernelContext, op: Op): void {
  const [buffer, index] = op.operands as [Value, Value];
  const { element, isVector, lanes } = laneShape(op.result.type);
  const conversion = isVector ? wideningUse(op) : undefined;
  const address = addressOf(c, buffer, index, conversion && nearBytes);
  if (!isVector) {
    c.define(op.result, [c.hold(loadScalar(c, address, element), c.localType(op.result))]);
    return;
  }
  if (conversion) {
    c.define(conversion.result, loadWidened(c, address, op.result, elementOf(conversion.result)));
    return;
  }
  const registers = loadBytes(c, address, lanes * laneBytes(element));
  c.define(op.result, element === 'i1' ? truth(c, registers) : registers);
}

/** Bytes of 0 and 1 as a mask. */
function truth(c: KernelContext, registers: readonly Register[]): Register[] {
  const zero = splatConstant(c, 'i8', 0, 1);
  return registers.map((r) => c.hold(c.m.i8x16.ne(r(), zero())));
}

/** Whether an op was emitted together with the load that it converts. */
export function isAbsorbed(op: Op): boolean {
  const source = op.operands[0]?.op;
  return source?.name === 'kernel.load' && laneShape(source.result.type).isVector && wideningUse(source) === op;
}

export function emitLoadSplat(c: KernelContext, op: Op): void {
  const [buffer, index] = op.operands as [Value, Value];
  const { v128 } = c.m;
  const { base, offset } = addressOf(c, buffer, index, nearBytes);
  const element = elementOf(op.result);
  const bytes = loadSplat.attributesOf(op).group * laneBytes(element);
  const load = { 1: v128.load8_splat, 2: v128.load16_splat, 4: v128.load32_splat, 8: v128.load64_splat, 16: v128.load }[
    bytes
  ];
  invariant(load, `a group of ${bytes} bytes is not repeated by one instruction`);
  const register = c.hold(load(offset, align, base()));
  const [whole] = element === 'i1' ? truth(c, [register]) : [register];
  c.define(
    op.result,
    Array.from({ length: c.count(op.result) }, () => whole as Register),
  );
}

function storeScalar(c: KernelContext, { base, offset }: Address, element: ScalarType, value: Expression): void {
  const { m } = c;
  const at = base();
  const width = laneBytes(element);
  if (element === 'f32') c.store(m.f32.store(offset, align, at, value));
  else if (width === 8) c.store(m.i64.store(offset, align, at, value));
  else if (width === 4) c.store(m.i32.store(offset, align, at, value));
  else if (width === 2) c.store(m.i32.store16(offset, align, at, value));
  else c.store(m.i32.store8(offset, align, at, value));
}

/** Writes exactly `bytes` bytes. */
function storeBytes(c: KernelContext, { base, offset }: Address, registers: readonly Register[], bytes: number): void {
  const { v128 } = c.m;
  const lanes = { 8: v128.store64_lane, 4: v128.store32_lane, 2: v128.store16_lane, 1: v128.store8_lane };
  let at = 0;
  for (; at + registerBytes <= bytes; at += registerBytes) {
    c.store(v128.store(offset + at, align, base(), (registers[at / registerBytes] as Register)()));
  }
  for (const size of [8, 4, 2, 1] as const) {
    if (bytes - at < size) continue;
    const register = (registers[Math.floor(at / registerBytes)] as Register)();
    c.store(lanes[size](offset + at, align, (at % registerBytes) / size, base(), register));
    at += size;
  }
}

export function emitStore(c: KernelContext, op: Op): void {
  const [value, buffer, index] = op.operands as [Value, Value, Value];
  const address = addressOf(c, buffer, index);
  const { element, isVector, lanes } = laneShape(value.type);
  if (!isVector) {
    storeScalar(c, address, element, c.scalar(value)());
    return;
  }
  let registers = c.registers(value);
  if (element === 'i1') {
    const one = splatConstant(c, 'i8', 1, 1);
    registers = resizeMask(c, registers, lanes, c.width(value), 1).map((r) => c.hold(c.m.v128.and(r(), one())));
  }
  storeBytes(c, address, registers, (store.attributesOf(op).lanes || lanes) * laneBytes(element));
}
