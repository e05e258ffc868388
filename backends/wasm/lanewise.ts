import { constantOf, elementOf, type LanewiseName, lanesOf, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import type { Op, ScalarType, Value } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { convert, narrowSaturate, resizeMask, widen, wrap } from './conversions.ts';
import { extremum, integerLanes, lanesOfElement, splatConstant } from './laneops.ts';
import { mulShift } from './mulshift.ts';
import { relaxedMulAdd } from './relaxed.ts';
import { scalarOps } from './scalars.ts';
import { isUnsigned, laneBytes, laneShape } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

/** A lanewise op on vectors: its operands' registers, and what they hold. */
interface VectorCase {
  readonly c: KernelContext;
  readonly args: readonly (readonly Register[])[];
  readonly element: ScalarType;
  readonly to: ScalarType;
  readonly lanes: number;
  /** Bytes of a lane of the first operand. */
  readonly width: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type VectorEmit = (one: VectorCase) => readonly Register[];

/** One instruction a register. */
function map(one: VectorCase, instruction: (...registers: Expression[]) => Expression): Register[] {
  const [first] = one.args as [readonly Register[]];
  return first.map((_, r) => one.c.hold(instruction(...one.args.map((registers) => (registers[r] as Register)()))));
}

const unary = (one: VectorCase, f: (a: Expression) => Expression) => map(one, f as (...x: Expression[]) => Expression);
const binary = (one: VectorCase, f: (a: Expression, b: Expression) => Expression) =>
  map(one, f as (...x: Expression[]) => Expression);

const arithmetic =
  (name: 'add' | 'sub'): VectorEmit =>
  (one) =>
    binary(one, lanesOfElement(one.c, one.element)[name]);

const bitwise =
  (name: 'and' | 'or' | 'xor'): VectorEmit =>
  (one) =>
    binary(one, one.c.m.v128[name]);

const floatUnary =
  (name: 'sqrt' | 'floor' | 'ceil' | 'nearest'): VectorEmit =>
  (one) =>
    unary(one, one.c.m.f32x4[name]);

const shift =
  (direction: 'shl' | 'shr'): VectorEmit =>
  (one) => {
    const { c, element, attributes } = one;
    const name = direction === 'shl' ? 'shl' : isUnsigned(element) ? 'shr_u' : 'shr_s';
    const count = attributes.count as number;
    if (laneBytes(element) === 1 && name !== 'shr_s') return shiftBytes(one, name, count);
    return unary(one, (a) => integerLanes(c, laneBytes(element))[name](a, c.m.i32.const(count)));
  };

/** Machines shift no bytes: pairs of them are shifted, and the bits that cross are masked away. */
function shiftBytes(one: VectorCase, name: 'shl' | 'shr_u', count: number): readonly Register[] {
  const { c } = one;
  const kept = name === 'shl' ? (0xff << count) & 0xff : 0xff >> count;
  const mask = splatConstant(c, 'u8', kept, 1);
  return unary(one, (a) => c.m.v128.and(c.m.i16x8[name](a, c.m.i32.const(count)), mask()));
}

/** (x >> n) & mask of bytes: where the mask leaves out what crosses between neighbours, one mask is enough. */
function bytesField(c: KernelContext, [shifted, mask]: readonly Value[]): readonly Register[] | undefined {
  const { op } = shifted as Value;
  if (op?.definition !== lanewisePrimitives.shr.definition || elementOf(op.result) !== 'u8') return undefined;
  const [count, bits] = [op.attributes.count as number, constantOf(mask)];
  if (bits === undefined || bits > 0xff >> count) return undefined;
  const kept = splatConstant(c, 'u8', bits, 1);
  const pairs = (x: Register) => c.m.i16x8.shr_u(x(), c.m.i32.const(count));
  return c.registers(op.operand(0)).map((x) => c.hold(c.m.v128.and(pairs(x), kept())));
}

/** There is no multiplication of bytes: products of 16 bits, of which the low bytes stay. */
function multiply(one: VectorCase): readonly Register[] {
  const { c, args, element, lanes } = one;
  if (element === 'f32') return binary(one, c.m.f32x4.mul);
  const width = laneBytes(element);
  if (width > 1) return binary(one, { 2: c.m.i16x8, 4: c.m.i32x4, 8: c.m.i64x2 }[width]!.mul);
  const [a, b] = args.map((registers) => widen(c, registers, lanes, false, 1, 2)) as [Register[], Register[]];
  const products = a.map((r, i) => c.hold(c.m.i16x8.mul(r(), (b[i] as Register)())));
  return wrap(c, products, lanes, 2, 1);
}

const extreme =
  (which: 'min' | 'max'): VectorEmit =>
  (one) =>
    binary(one, extremum(one.c, which, one.element));

function compare(one: VectorCase): readonly Register[] {
  const { c, element, attributes } = one;
  const predicate = attributes.predicate as string;
  if (element === 'f32') return binary(one, c.m.f32x4[predicate as 'eq']);
  const name = predicate === 'eq' || predicate === 'ne' ? predicate : `${predicate}_${isUnsigned(element) ? 'u' : 's'}`;
  const lanes = integerLanes(c, laneBytes(element)) as unknown as Record<string, (a: number, b: number) => number>;
  invariant(lanes[name], `no ${name} on lanes of ${element}`);
  return binary(one, lanes[name]);
}

/**
 * Sums are brought up to date at their place: where the products of many steps are nested in one another, what they read
 * is loaded before the first of them, and engines run out of registers.
 */
function multiplyAdd(one: VectorCase): readonly Register[] {
  const { c, args } = one;
  const instruction = c.relaxed
    ? (x: Expression, y: Expression, z: Expression) => relaxedMulAdd(c.b, c.m, x, y, z)
    : (x: Expression, y: Expression, z: Expression) => c.m.f32x4.add(c.m.f32x4.mul(x, y), z);
  const [x, y, z] = args as [readonly Register[], readonly Register[], readonly Register[]];
  return x.map((register, r) => c.copy(instruction(register(), y[r]!(), z[r]!()), c.b.v128));
}

/** What is only asked of single numbers. */
const scalarsOnly: VectorEmit = () => {
  throw new InternalError('a primitive of scalars on a vector');
};

/** What passes have written in other primitives. */
const expandedBefore: VectorEmit = () => {
  throw new InternalError('conversions of 16-bit floats were to be expanded');
};

/** Instructions for vectors. */
const vectorOps: Record<LanewiseName, VectorEmit> = {
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: multiply,
  div: (one) => binary(one, one.c.m.f32x4.div),
  min: extreme('min'),
  max: extreme('max'),
  and: bitwise('and'),
  or: bitwise('or'),
  xor: bitwise('xor'),
  neg: (one) => unary(one, lanesOfElement(one.c, one.element).neg),
  abs: (one) =>
    isUnsigned(one.element) ? (one.args[0] as readonly Register[]) : unary(one, lanesOfElement(one.c, one.element).abs),
  sqrt: floatUnary('sqrt'),
  floor: floatUnary('floor'),
  ceil: floatUnary('ceil'),
  round_even: floatUnary('nearest'),
  shl: shift('shl'),
  shr: shift('shr'),
  shl_by: scalarsOnly,
  shr_by: scalarsOnly,
  quotient: scalarsOnly,
  remainder: scalarsOnly,
  cmp: compare,
  select: ({ c, args: [mask, a, b] }) =>
    (a as Register[]).map((r, i) =>
      c.hold(c.m.v128.bitselect(r(), (b as Register[])[i]!(), (mask as Register[])[i]!())),
    ),
  convert: ({ c, args: [a], element, to, lanes, width }) => convert(c, a as Register[], lanes, element, to, width),
  narrow_saturate: ({ c, args: [a], element, to, lanes }) => narrowSaturate(c, a as Register[], lanes, element, to),
  bitcast: ({ args: [a] }) => a as Register[],
  decode_f16: expandedBefore,
  encode_f16: expandedBefore,
  mul_shift: ({ c, args: [a, b], attributes }) =>
    mulShift(c, a as Register[], b as Register[], attributes.shift as number),
  mul_add: multiplyAdd,
};

/** The registers of an operand; masks get the lane width that the others have. */
function operandRegisters(c: KernelContext, value: Value, maskWidth: number): readonly Register[] {
  const registers = c.registers(value);
  if (elementOf(value) !== 'i1') return registers;
  const { isVector, lanes } = laneShape(value.type);
  return isVector ? resizeMask(c, registers, lanes, c.width(value), maskWidth) : registers;
}

/** What indices are made of, without attributes: computed outside of the loops that don't change them. */
const indexArithmetic: ReadonlySet<LanewiseName> = new Set<LanewiseName>(['add', 'sub', 'mul', 'min', 'max', 'and']);

/** Emits one lanewise op. */
export function emitLanewise(c: KernelContext, name: LanewiseName, op: Op): void {
  const operands = op.operands as Value[];
  const [first] = operands as [Value];
  const { element: to, isVector } = laneShape(op.result.type);
  const { attributes } = op;
  if (!isVector) {
    const element = elementOf(name === 'select' ? (operands[1] as Value) : first);
    const one = { c, args: operands.map((v) => c.scalar(v)), element, to, attributes };
    if (to === 'index' && indexArithmetic.has(name))
      c.defineHoisted(op.result, name, operands, () => scalarOps[name](one));
    else c.define(op.result, [c.hold(scalarOps[name](one), c.localType(op.result))]);
    return;
  }
  const width = c.width(name === 'select' ? (operands[1] as Value) : first);
  const condition = operands[0] as Value;
  if (name === 'select' && !laneShape(condition.type).isVector) {
    const [a, b] = [c.registers(operands[1] as Value), c.registers(operands[2] as Value)];
    c.define(
      op.result,
      a.map((r, i) => c.hold(c.m.select(c.scalar(condition)(), r(), (b[i] as Register)()))),
    );
    return;
  }
  const field = name === 'and' ? bytesField(c, operands) : undefined;
  if (field) {
    c.define(op.result, field);
    return;
  }
  if (to === 'i1') c.setMaskWidth(op.result, width);
  const args = operands.map((value) => operandRegisters(c, value, width));
  c.define(
    op.result,
    vectorOps[name]({ c, args, element: elementOf(first), to, lanes: lanesOf(first), width, attributes }),
  );
}

/** A compile-time number. */
export function emitConstant(c: KernelContext, op: Op): void {
  const { element, isVector } = laneShape(op.result.type);
  const value = op.attributes.value as number;
  const { m } = c;
  if (isVector) {
    const register = splatConstant(c, element, value, laneBytes(element));
    c.define(
      op.result,
      Array.from({ length: c.count(op.result) }, () => register),
    );
    return;
  }
  const long = element === 'i64' || element === 'u64';
  c.define(op.result, [
    () => (element === 'f32' ? m.f32.const(value) : long ? m.i64.const(BigInt(value)) : m.i32.const(value | 0)),
  ]);
}
