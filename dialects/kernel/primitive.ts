import { attr, defineOp, type OpDefinition } from '../../src/ir/index.ts';
import { decodeF16, encodeF16 } from '../../src/numerics/index.ts';

/** One lane's value when a kernel is run in JavaScript: numbers; i64 is exact up to 2^53 only inside mul_shift. */
export type Lane = number;

/**
 * A primitive of the kernel dialect. `lane` is its meaning on one lane; what it may not be given is said in
 * the summary. Operands and result have the same number of lanes.
 */
export interface LanewisePrimitive {
  readonly definition: OpDefinition;
  /** Meaning on one lane, for element type `element` of the first operand and `to` of the result. */
  readonly lane: (
    args: readonly Lane[],
    element: string,
    to: string,
    attributes: Readonly<Record<string, unknown>>,
  ) => Lane;
}

/** Wraps an exact number to the two's complement range of an integer type; floats round to f32. */
export function wrapTo(element: string, v: number): number {
  switch (element) {
    case 'i8':
      return (v << 24) >> 24;
    case 'u8':
      return v & 0xff;
    case 'i16':
      return (v << 16) >> 16;
    case 'u16':
      return v & 0xffff;
    case 'u32':
      return v >>> 0;
    case 'f32':
      return Math.fround(v);
    case 'f64':
    case 'i64':
      return v;
    default:
      return v | 0;
  }
}

const isFloat = (element: string) => element === 'f32' || element === 'f64';
const unsigned = (element: string) => element.startsWith('u');

function lanewise(
  name: string,
  summary: string,
  arity: 1 | 2 | 3,
  lane: LanewisePrimitive['lane'],
  attributes: Parameters<typeof defineOp>[0]['attributes'] = {},
): LanewisePrimitive {
  const operands =
    arity === 1
      ? ({ a: 'required' } as const)
      : arity === 2
        ? ({ a: 'required', b: 'required' } as const)
        : ({ a: 'required', b: 'required', c: 'required' } as const);
  const definition = defineOp({ name: `kernel.${name}`, summary, operands, attributes, typing: 'declared' });
  return { definition: definition as OpDefinition, lane };
}

const isLong = (element: string) => element === 'i64' || element === 'u64';

/** An operation on 64-bit lanes, which are exact up to 2^53. */
const long = (apply: (a: bigint, b: bigint) => bigint, a: number, b: number): number =>
  Number(BigInt.asIntN(64, apply(BigInt(a), BigInt(b))));

const x = (args: readonly Lane[]) => args[0] as number;
const y = (args: readonly Lane[]) => args[1] as number;

const rounding: Record<string, (v: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_even(v) {
    const r = Math.round(v);
    return r - v === 0.5 && r % 2 !== 0 ? r - 1 : r;
  },
};

const predicates: Record<string, (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** Smallest and largest value that a conversion to `to` saturates to. */
function saturationRange(to: string): readonly [number, number] {
  const bits = to === 'index' ? 32 : Number(to.slice(1));
  return unsigned(to) ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function saturate(to: string, v: number): number {
  const [low, high] = saturationRange(to);
  return Math.min(Math.max(v, low), high);
}

/** The lanewise primitives by name: the closed list that every backend implements. */
export const lanewisePrimitives = {
  add: lanewise('add', 'a + b; integers wrap.', 2, (v, e) => wrapTo(e, x(v) + y(v))),
  sub: lanewise('sub', 'a − b; integers wrap.', 2, (v, e) => wrapTo(e, x(v) - y(v))),
  mul: lanewise('mul', 'a · b; integers wrap.', 2, (v, e) =>
    isFloat(e) || isLong(e) ? wrapTo(e, x(v) * y(v)) : wrapTo(e, Math.imul(x(v), y(v))),
  ),
  div: lanewise('div', 'a / b of floats, correctly rounded.', 2, (v, e) => wrapTo(e, x(v) / y(v))),
  min: lanewise('min', 'b < a ? b : a; so a NaN in a stays.', 2, (v) => (y(v) < x(v) ? y(v) : x(v))),
  max: lanewise('max', 'a < b ? b : a; so a NaN in a stays.', 2, (v) => (x(v) < y(v) ? y(v) : x(v))),
  and: lanewise('and', 'Bitwise and of integers or masks.', 2, (v, e) =>
    isLong(e) ? long((a, b) => a & b, x(v), y(v)) : wrapTo(e, x(v) & y(v)),
  ),
  or: lanewise('or', 'Bitwise or of integers or masks.', 2, (v, e) =>
    isLong(e) ? long((a, b) => a | b, x(v), y(v)) : wrapTo(e, x(v) | y(v)),
  ),
  xor: lanewise('xor', 'Bitwise exclusive or of integers or masks.', 2, (v, e) =>
    isLong(e) ? long((a, b) => a ^ b, x(v), y(v)) : wrapTo(e, x(v) ^ y(v)),
  ),
  neg: lanewise('neg', '−a; integers wrap.', 1, (v, e) => wrapTo(e, -x(v))),
  abs: lanewise('abs', '|a|; the smallest integer wraps to itself.', 1, (v, e) => wrapTo(e, Math.abs(x(v)))),
  sqrt: lanewise('sqrt', 'Square root of a float, correctly rounded.', 1, (v, e) => wrapTo(e, Math.sqrt(x(v)))),
  floor: lanewise('floor', 'Largest whole float not above a.', 1, (v) =>
    (rounding.floor as (v: number) => number)(x(v)),
  ),
  ceil: lanewise('ceil', 'Smallest whole float not below a.', 1, (v) => (rounding.ceil as (v: number) => number)(x(v))),
  round_even: lanewise('round_even', 'Nearest whole float; ties to even.', 1, (v) =>
    (rounding.round_even as (v: number) => number)(x(v)),
  ),
  shl: lanewise(
    'shl',
    'a << count, 0 ≤ count < bits.',
    1,
    (v, e, _, { count }) =>
      isLong(e) ? long((a, b) => a << b, x(v), count as number) : wrapTo(e, x(v) << (count as number)),
    { count: attr.int() },
  ),
  shr: lanewise(
    'shr',
    'a >> count, 0 ≤ count < bits; arithmetic for signed types, logical for unsigned ones.',
    1,
    (v, e, _, { count }) => {
      if (isLong(e)) return long((a, b) => a >> b, x(v), count as number);
      return unsigned(e) ? wrapTo(e, x(v) >>> (count as number)) : x(v) >> (count as number);
    },
    { count: attr.int() },
  ),
  shl_by: lanewise('shl_by', 'a << b of u32 scalars, 0 ≤ b < 32.', 2, (v) => (x(v) << y(v)) >>> 0),
  shr_by: lanewise('shr_by', 'a >> b of u32 scalars, 0 ≤ b < 32.', 2, (v) => x(v) >>> y(v)),
  quotient: lanewise(
    'quotient',
    '⌊a / divisor⌋ of an index a ≥ 0.',
    1,
    (v, _e, _t, { divisor }) => Math.floor(x(v) / (divisor as number)),
    { divisor: attr.int() },
  ),
  remainder: lanewise(
    'remainder',
    'a − divisor·⌊a / divisor⌋ of an index a ≥ 0.',
    1,
    (v, _e, _t, { divisor }) => x(v) % (divisor as number),
    {
      divisor: attr.int(),
    },
  ),
  cmp: lanewise(
    'cmp',
    'The mask of a predicate: eq, ne, lt, le, gt, ge; only ne is true on NaN.',
    2,
    (v, _e, _t, { predicate }) =>
      (predicates[predicate as string] as (a: number, b: number) => boolean)(x(v), y(v)) ? 1 : 0,
    { predicate: attr.string() },
  ),
  select: lanewise('select', 'a ? b : c, a a mask made by cmp on lanes of the same width.', 3, (v) =>
    x(v) ? y(v) : (v[2] as number),
  ),
  convert: lanewise(
    'convert',
    'To another element type: float to integer truncates and saturates, NaN is 0; integers widen, or wrap.',
    1,
    (v, from, to) => {
      if (!isFloat(from) || isFloat(to)) return wrapTo(to, x(v));
      return Number.isNaN(x(v)) ? 0 : saturate(to, Math.trunc(x(v)));
    },
  ),
  narrow_saturate: lanewise('narrow_saturate', 'To a narrower integer type, clamped to its range.', 1, (v, _, to) =>
    saturate(to, x(v)),
  ),
  bitcast: lanewise('bitcast', 'The same bits as another type of the same width.', 1, (v, from, to) => {
    const view = new DataView(new ArrayBuffer(4));
    if (from === 'f32') view.setFloat32(0, x(v));
    else view.setInt32(0, x(v));
    return to === 'f32' ? view.getFloat32(0) : to === 'u32' ? view.getUint32(0) : view.getInt32(0);
  }),
  decode_f16: lanewise('decode_f16', 'The f32 that the bits (u16) of an f16 stand for.', 1, (v) => decodeF16(x(v))),
  encode_f16: lanewise('encode_f16', 'The bits (u16) of the f16 nearest to an f32, ties to even.', 1, (v) =>
    encodeF16(x(v)),
  ),
  mul_shift: lanewise(
    'mul_shift',
    '(a·b + 2^(shift−1)) >> shift in exact arithmetic, for i32 a and b and 2 ≤ shift ≤ 62; the result wraps to i32.',
    2,
    (v, _e, _t, { shift }) => {
      const s = BigInt(shift as number);
      return Number(BigInt.asIntN(32, (BigInt(x(v)) * BigInt(y(v)) + (1n << (s - 1n))) >> s));
    },
    { shift: attr.int() },
  ),
  mul_add: lanewise(
    'mul_add',
    'a · b + c of floats, rounded once or twice as the target likes: for float contractions, owed within a bound only.',
    3,
    (v, e) => wrapTo(e, wrapTo(e, x(v) * y(v)) + (v[2] as number)),
  ),
} as const satisfies Record<string, LanewisePrimitive>;

export type LanewiseName = keyof typeof lanewisePrimitives;
