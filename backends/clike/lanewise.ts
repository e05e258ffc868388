import type { LanewiseName } from '../../dialects/kernel/index.ts';
import { bitsOf, isFloat, type ScalarType } from '../../src/ir/index.ts';
import { binary, type Expression, negated, precedence, sum } from './expression.ts';
import type { Language } from './language.ts';

/** One lane of a primitive: its operands, the element type of the first and of the result, its attributes. */
export interface Lanewise {
  readonly args: readonly Expression[];
  readonly from: ScalarType;
  readonly to: ScalarType;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Printer = (language: Language, lane: Lanewise) => Expression;

const a = (lane: Lanewise) => lane.args[0] as Expression;
const b = (lane: Lanewise) => lane.args[1] as Expression;
const c = (lane: Lanewise) => lane.args[2] as Expression;

/** Floats don't wrap, and indices never leave 32 bits: both take the plain operator. */
const isPlain = (element: ScalarType) => element === 'index' || isFloat(element);

const helper =
  (name: Parameters<Language['call']>[0]): Printer =>
  (language, { args, from, to }) =>
    language.call(name, from, to, args);

/** The plain operator where nothing wraps, else the helper that wraps. */
const arithmetic =
  (name: 'add' | 'sub' | 'mul', plain: (x: Expression, y: Expression) => Expression): Printer =>
  (language, lane) =>
    isPlain(lane.from) ? plain(a(lane), b(lane)) : helper(name)(language, lane);

const subtract = (x: Expression, y: Expression) => binary(x, '-', y, precedence.additive);
const product = (x: Expression, y: Expression) => binary(x, '*', y, precedence.multiplicative);

const multiply: Printer = (language, lane) =>
  isFloat(lane.from) ? language.floats.mul(a(lane), b(lane), lane.from) : arithmetic('mul', product)(language, lane);

/** C computes with at least 32 bits: what was narrower is brought back to its type. */
function narrowed(language: Language, e: Expression, to: ScalarType): Expression {
  return bitsOf(to) < 32 ? language.cast(e, 'i32', to) : e;
}

const bitwise =
  (operator: '&' | '|' | '^', logical: '&&' | '||' | '!='): Printer =>
  (language, lane) => {
    const levels = { '&': precedence.bitAnd, '|': precedence.bitOr, '^': precedence.bitXor };
    const logicalLevels = { '&&': precedence.and, '||': precedence.or, '!=': precedence.equality };
    if (lane.from === 'i1') return binary(a(lane), logical, b(lane), logicalLevels[logical]);
    return narrowed(language, binary(a(lane), operator, b(lane), levels[operator]), lane.to);
  };

const operators: Record<string, string> = { eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' };

const compare: Printer = (_, lane) => {
  const operator = operators[lane.attributes.predicate as string] as string;
  return binary(
    a(lane),
    operator,
    b(lane),
    operator.length === 2 && /[=!]=/.test(operator) ? precedence.equality : precedence.relational,
  );
};

const count = (language: Language, lane: Lanewise) => language.literal(lane.attributes.count as number, 'index');

const divisor = (language: Language, lane: Lanewise) => language.literal(lane.attributes.divisor as number, 'index');

/** Through the unsigned type: a bit shifted out of a signed number is not defined. */
const shiftLeft: Printer = (language, lane) => {
  const wide: ScalarType = bitsOf(lane.from) > 32 ? 'u64' : 'u32';
  const shifted = binary(language.cast(a(lane), lane.from, wide), '<<', count(language, lane), precedence.shift);
  return language.cast(shifted, wide, lane.to);
};

const shiftRight: Printer = (language, lane) =>
  narrowed(language, binary(a(lane), '>>', count(language, lane), precedence.shift), lane.to);

const convert: Printer = (language, lane) =>
  isFloat(lane.from) && !isFloat(lane.to)
    ? language.call('saturate', lane.from, lane.to, lane.args)
    : language.cast(a(lane), lane.from, lane.to);

const bitcast: Printer = (language, lane) =>
  isFloat(lane.from) || isFloat(lane.to)
    ? language.call('bits', lane.from, lane.to, lane.args)
    : language.cast(a(lane), lane.from, lane.to);

/** How each primitive prints: the closed list of the kernel dialect. */
export const lanewisePrinters: Record<LanewiseName, Printer> = {
  add: arithmetic('add', sum),
  sub: arithmetic('sub', subtract),
  mul: multiply,
  div: (_, lane) => binary(a(lane), '/', b(lane), precedence.multiplicative),
  min: helper('min'),
  max: helper('max'),
  and: bitwise('&', '&&'),
  or: bitwise('|', '||'),
  xor: bitwise('^', '!='),
  neg: (language, lane) => (isPlain(lane.from) ? negated(a(lane)) : helper('neg')(language, lane)),
  abs: helper('abs'),
  sqrt: helper('sqrt'),
  floor: helper('floor'),
  ceil: helper('ceil'),
  round_even: helper('round_even'),
  shl: shiftLeft,
  shr: shiftRight,
  shl_by: (_, lane) => binary(a(lane), '<<', b(lane), precedence.shift),
  shr_by: (_, lane) => binary(a(lane), '>>', b(lane), precedence.shift),
  quotient: (language, lane) => binary(a(lane), '/', divisor(language, lane), precedence.multiplicative),
  remainder: (language, lane) => binary(a(lane), '%', divisor(language, lane), precedence.multiplicative),
  cmp: compare,
  select: (language, lane) => language.select(a(lane), b(lane), c(lane)),
  convert,
  narrow_saturate: helper('saturate'),
  bitcast,
  decode_f16: helper('decode_f16'),
  encode_f16: helper('encode_f16'),
  mul_shift: (language, lane) =>
    language.call('mul_shift', 'i32', 'i32', [
      ...lane.args,
      language.literal(lane.attributes.shift as number, 'index'),
    ]),
  mul_add: (language, lane) => language.floats.mulAdd(a(lane), b(lane), c(lane), lane.from),
};
