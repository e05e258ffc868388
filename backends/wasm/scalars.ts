import type { LanewiseName } from '../../dialects/kernel/index.ts';
import { bitsOf, isFloat, type ScalarType } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { isUnsigned } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

/** What one scalar instruction is made from. */
export interface ScalarCase {
  readonly c: KernelContext;
  readonly args: readonly Register[];
  /** Element of the first operand that is not a condition. */
  readonly element: ScalarType;
  readonly to: ScalarType;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const isLong = (element: ScalarType) => element === 'i64' || element === 'u64';

/** An i32 wrapped to a narrow type's normal form: sign- or zero-extended to 32 bits. */
export function normal(c: KernelContext, element: ScalarType, value: Expression): Expression {
  const { m } = c;
  switch (element) {
    case 'i8':
      return m.i32.extend8_s(value);
    case 'i16':
      return m.i32.extend16_s(value);
    case 'u8':
      return m.i32.and(value, m.i32.const(0xff));
    case 'u16':
      return m.i32.and(value, m.i32.const(0xffff));
    default:
      return value;
  }
}

/** The same instruction on i32 (then wrapped), i64 and f32. */
function arithmetic(name: 'add' | 'sub' | 'mul') {
  return ({ c, args: [a, b], element }: ScalarCase): Expression => {
    const [x, y] = [(a as Register)(), (b as Register)()];
    if (element === 'f32') return c.m.f32[name](x, y);
    return isLong(element) ? c.m.i64[name](x, y) : normal(c, element, c.m.i32[name](x, y));
  };
}

function bitwise(name: 'and' | 'or' | 'xor') {
  return ({ c, args: [a, b], element }: ScalarCase): Expression =>
    (isLong(element) ? c.m.i64 : c.m.i32)[name]((a as Register)(), (b as Register)());
}

function compare(c: KernelContext, predicate: string, element: ScalarType, a: Expression, b: Expression): Expression {
  if (element === 'f32') return c.m.f32[predicate as 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'](a, b);
  const ops = isLong(element) ? c.m.i64 : c.m.i32;
  if (predicate === 'eq' || predicate === 'ne') return ops[predicate](a, b);
  return ops[`${predicate as 'lt' | 'le' | 'gt' | 'ge'}_${isUnsigned(element) ? 'u' : 's'}`](a, b);
}

/** min: b < a ? b : a; max: a < b ? b : a. */
function extremum(which: 'min' | 'max') {
  return ({ c, args: [a, b], element }: ScalarCase): Expression => {
    const [x, y] = [a as Register, b as Register];
    const beyond = which === 'min' ? compare(c, 'lt', element, y(), x()) : compare(c, 'lt', element, x(), y());
    return c.m.select(beyond, y(), x());
  };
}

function floatUnary(name: 'sqrt' | 'floor' | 'ceil' | 'nearest') {
  return ({ c, args: [a] }: ScalarCase): Expression => c.m.f32[name]((a as Register)());
}

function negate({ c, args: [a], element }: ScalarCase): Expression {
  const x = (a as Register)();
  if (element === 'f32') return c.m.f32.neg(x);
  if (isLong(element)) return c.m.i64.sub(c.m.i64.const(0n), x);
  return normal(c, element, c.m.i32.sub(c.m.i32.const(0), x));
}

function absolute(one: ScalarCase): Expression {
  const { c, args, element } = one;
  const x = args[0] as Register;
  if (element === 'f32') return c.m.f32.abs(x());
  if (isUnsigned(element)) return x();
  const zero = isLong(element) ? c.m.i64.const(0n) : c.m.i32.const(0);
  return c.m.select(compare(c, 'lt', element, x(), zero), negate(one), x());
}

function shift(direction: 'shl' | 'shr') {
  return ({ c, args: [a], element, attributes }: ScalarCase): Expression => {
    const { m } = c;
    const count = attributes.count as number;
    const x = (a as Register)();
    const name = direction === 'shl' ? 'shl' : isUnsigned(element) ? 'shr_u' : 'shr_s';
    if (isLong(element)) return m.i64[name](x, m.i64.const(BigInt(count)));
    return normal(c, element, m.i32[name](x, m.i32.const(count)));
  };
}

/** Clamps an i32 to the range of a narrower type. */
function saturate(c: KernelContext, from: ScalarType, to: ScalarType, x: Register): Expression {
  const bits = bitsOf(to);
  const [low, high] = isUnsigned(to) ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const [least, most] = [low, high].map((v) => () => c.m.i32.const(v as number)) as [Register, Register];
  const capped = c.hold(c.m.select(compare(c, 'lt', from, most(), x()), most(), x()), c.b.i32);
  return isUnsigned(from) ? capped() : c.m.select(compare(c, 'lt', from, capped(), least()), least(), capped());
}

function convert({ c, args: [a], element, to }: ScalarCase): Expression {
  const { m } = c;
  const x = a as Register;
  if (to === 'i1') return isLong(element) ? m.i64.ne(x(), m.i64.const(0n)) : m.i32.ne(x(), m.i32.const(0));
  if (element === 'f32') {
    if (to === 'f32') return x();
    if (isLong(to)) return isUnsigned(to) ? m.i64.trunc_u_sat.f32(x()) : m.i64.trunc_s_sat.f32(x());
    if (to === 'u32') return m.i32.trunc_u_sat.f32(x());
    const whole = m.i32.trunc_s_sat.f32(x());
    return bitsOf(to) === 32 ? whole : saturate(c, 'i32', to, c.hold(whole, c.b.i32));
  }
  if (to === 'f32') {
    const sign = isUnsigned(element) ? 'convert_u' : 'convert_s';
    return isLong(element) ? m.f32[sign].i64(x()) : m.f32[sign].i32(x());
  }
  if (isLong(to)) return isLong(element) ? x() : isUnsigned(element) ? m.i64.extend_u(x()) : m.i64.extend_s(x());
  return normal(c, to, isLong(element) ? m.i32.wrap(x()) : x());
}

function bitcast({ c, args: [a], element, to }: ScalarCase): Expression {
  const x = (a as Register)();
  invariant(!isLong(element), 'a bitcast of 64 bits');
  if (element === to) return x;
  if (element === 'f32') return c.m.i32.reinterpret(x);
  return to === 'f32' ? c.m.f32.reinterpret(x) : normal(c, to, x);
}

/** (a·b + 2^(shift−1)) >> shift in 64 bits: |a·b| ≤ 2^62, so the sum does not wrap. */
function mulShift({ c, args: [a, b], attributes }: ScalarCase): Expression {
  const { m } = c;
  const count = attributes.shift as number;
  const product = m.i64.mul(m.i64.extend_s((a as Register)()), m.i64.extend_s((b as Register)()));
  const rounded = m.i64.add(product, m.i64.const(1n << BigInt(count - 1)));
  return m.i32.wrap(m.i64.shr_s(rounded, m.i64.const(BigInt(count))));
}

/** What passes have written in other primitives. */
const expandedBefore = (): Expression => {
  throw new InternalError('conversions of 16-bit floats were to be expanded');
};

/** Instructions for one lane. */
export const scalarOps: Record<LanewiseName, (one: ScalarCase) => Expression> = {
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: arithmetic('mul'),
  div({ c, args: [a, b], element }) {
    invariant(isFloat(element), 'integers are not divided');
    return c.m.f32.div((a as Register)(), (b as Register)());
  },
  min: extremum('min'),
  max: extremum('max'),
  and: bitwise('and'),
  or: bitwise('or'),
  xor: bitwise('xor'),
  neg: negate,
  abs: absolute,
  sqrt: floatUnary('sqrt'),
  floor: floatUnary('floor'),
  ceil: floatUnary('ceil'),
  round_even: floatUnary('nearest'),
  shl: shift('shl'),
  shr: shift('shr'),
  shl_by: ({ c, args: [a, b] }) => c.m.i32.shl((a as Register)(), (b as Register)()),
  shr_by: ({ c, args: [a, b] }) => c.m.i32.shr_u((a as Register)(), (b as Register)()),
  quotient: ({ c, args: [a], attributes }) =>
    c.m.i32.div_u((a as Register)(), c.m.i32.const(attributes.divisor as number)),
  remainder: ({ c, args: [a], attributes }) =>
    c.m.i32.rem_u((a as Register)(), c.m.i32.const(attributes.divisor as number)),
  cmp: ({ c, args: [a, b], element, attributes }) =>
    compare(c, attributes.predicate as string, element, (a as Register)(), (b as Register)()),
  select: ({ c, args: [condition, a, b] }) =>
    c.m.select((condition as Register)(), (a as Register)(), (b as Register)()),
  convert,
  narrow_saturate: ({ c, args: [a], element, to }) => saturate(c, element, to, a as Register),
  bitcast,
  decode_f16: expandedBefore,
  encode_f16: expandedBefore,
  mul_shift: mulShift,
  mul_add: ({ c, args: [a, b, d] }) =>
    c.m.f32.add(c.m.f32.mul((a as Register)(), (b as Register)()), (d as Register)()),
};
