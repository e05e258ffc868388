import { bitsOf, integerRange, isFloat, type ScalarType } from '../../src/ir/index.ts';
import type { HelperName } from '../clike/language.ts';
import { cType } from './types.ts';

/** A function that the generated file defines when a kernel calls it. */
export interface Helper {
  readonly name: string;
  readonly text: string;
  /** Other helpers that it calls, defined before it. */
  readonly needs: readonly Helper[];
}

const isSigned = (element: ScalarType) => element.startsWith('i');
/** The unsigned type in which integers of a type wrap. */
const wrapping = (element: ScalarType) => (bitsOf(element) > 32 ? 'uint64_t' : 'uint32_t');

function define(
  name: string,
  to: ScalarType,
  parameters: string,
  body: readonly string[],
  needs: Helper[] = [],
): Helper {
  const text = [`QC_INLINE ${cType(to)} ${name}(${parameters})`, '{', ...body.map((line) => `  ${line}`), '}'].join(
    '\n',
  );
  return { name, text, needs };
}

/**
 * lower + step · ⌊turns · thread / threads⌋: where the part of a loop's range begins that a thread does. Where there are
 * no more turns than threads and the last two overlap, one thread does both: no place is written by two.
 */
export const shareHelper = define(
  'qc_share',
  'i32',
  'int32_t lower, int32_t upper, int32_t step, int32_t overlaps, int32_t thread, int32_t threads',
  [
    'const int64_t turns = upper <= lower ? 0 : (upper - lower + step - 1) / step;',
    'const int64_t apart = overlaps && turns > 1 && turns <= threads ? turns - 1 : turns;',
    'return thread == threads ? upper : lower + step * (int32_t)(apart * thread / threads);',
  ],
);

const two = (t: ScalarType) => `${cType(t)} a, ${cType(t)} b`;
const one = (t: ScalarType) => `${cType(t)} a`;

const wrapped = (operator: string) => (t: ScalarType, name: string) => {
  const u = wrapping(t);
  return define(name, t, two(t), [`return (${cType(t)})((${u})a ${operator} (${u})b);`]);
};

function negate(t: ScalarType, name: string): Helper {
  return define(name, t, one(t), [`return (${cType(t)})((${wrapping(t)})0 - (${wrapping(t)})a);`]);
}

function absolute(t: ScalarType, name: string): Helper {
  // 0 - a rather than -a: the result for -0 is 0
  if (isFloat(t)) return define(name, t, one(t), [`return a > 0 ? a : 0 - a;`]);
  if (!isSigned(t)) return define(name, t, one(t), ['return a;']);
  const u = wrapping(t);
  return define(name, t, one(t), [`return a < 0 ? (${cType(t)})((${u})0 - (${u})a) : a;`]);
}

/** The integer type that holds every whole float with a fraction bit, and the float from which on all are whole. */
const whole = (t: ScalarType) =>
  t === 'f32' ? { integer: 'int32_t', limit: '8388608.0f' } : { integer: 'int64_t', limit: '4503599627370496.0' };

function floor(t: ScalarType, name: string): Helper {
  const { integer, limit } = whole(t);
  return define(name, t, one(t), [
    `if (!(a > -${limit} && a < ${limit})) {`,
    '  return a;',
    '}',
    `const ${cType(t)} whole = (${cType(t)})(${integer})a;`,
    'return whole > a ? whole - 1 : whole == a ? a : whole;',
  ]);
}

function ceil(t: ScalarType, name: string): Helper {
  const down = floor(t, `floor_${t}`);
  return define(name, t, one(t), [`return -${down.name}(-a);`], [down]);
}

/** Adding 2^23 to a smaller number leaves no fraction bits: the addition itself rounds, ties to even. */
function roundEven(t: ScalarType, name: string): Helper {
  const { limit } = whole(t);
  const type = cType(t);
  return define(name, t, one(t), [
    `const ${type} size = a < 0 ? -a : a;`,
    `if (!(size < ${limit}) || size == 0) {`,
    '  return a;',
    '}',
    `const ${type} shifted = size + ${limit};`,
    `const ${type} whole = shifted - ${limit};`,
    'return a < 0 ? -whole : whole;',
  ]);
}

const rangeMacro = (t: ScalarType) => {
  const bits = bitsOf(t);
  return isSigned(t) ? ([`INT${bits}_MIN`, `INT${bits}_MAX`] as const) : (['0', `UINT${bits}_MAX`] as const);
};

/** Float to integer: towards zero, clamped, NaN is 0. */
function saturateFloat(from: ScalarType, to: ScalarType, name: string): Helper {
  const bits = bitsOf(to);
  if (bits < 32) {
    const wide = saturateFloat(from, 'i32', `saturate_${from}_to_i32`);
    const narrow = saturateInteger('i32', to, `saturate_i32_to_${to}`);
    return define(name, to, one(from), [`return ${narrow.name}(${wide.name}(a));`], [wide, narrow]);
  }
  const [min, max] = rangeMacro(to);
  const suffix = from === 'f32' ? 'f' : '';
  const above = `${BigInt(2) ** BigInt(isSigned(to) ? bits - 1 : bits)}.0${suffix}`;
  const below = isSigned(to) ? `-${above}` : `0.0${suffix}`;
  return define(name, to, one(from), [
    `if (a >= ${above}) {`,
    `  return ${max};`,
    '}',
    `if (a <= ${below}) {`,
    `  return ${min};`,
    '}',
    `return a == a ? (${cType(to)})a : 0;`,
  ]);
}

function saturateInteger(from: ScalarType, to: ScalarType, name: string): Helper {
  const [low, high] = rangeMacro(to);
  const [from0, from1] = [integerRange(from), integerRange(to)];
  const body: string[] = [];
  if (from0[0] < from1[0]) body.push(`if (a < ${low}) {`, `  return ${low};`, '}');
  if (from0[1] > from1[1]) body.push(`if (a > ${high}) {`, `  return ${high};`, '}');
  return define(name, to, one(from), [...body, `return (${cType(to)})a;`]);
}

function bits(from: ScalarType, to: ScalarType, name: string): Helper {
  return define(name, to, one(from), [`${cType(to)} b;`, 'memcpy(&b, &a, sizeof b);', 'return b;']);
}

/** (a·m + 2^(shift−1)) >> shift, exact in 64 bits. */
const mulShift = define('mul_shift', 'i32', 'int32_t a, int32_t m, int shift', [
  'return (int32_t)(((int64_t)a * m + ((int64_t)1 << (shift - 1))) >> shift);',
]);

/** Those that C has no function for; conversions of 16-bit floats are expanded before. */
type CHelperName = Exclude<HelperName, 'sqrt' | 'decode_f16' | 'encode_f16'>;

const definitions: Record<CHelperName, (from: ScalarType, to: ScalarType) => Helper> = {
  add: (t) => wrapped('+')(t, `add_${t}`),
  sub: (t) => wrapped('-')(t, `sub_${t}`),
  mul: (t) => wrapped('*')(t, `mul_${t}`),
  neg: (t) => negate(t, `neg_${t}`),
  abs: (t) => absolute(t, `abs_${t}`),
  min: (t) => define(`min_${t}`, t, two(t), ['return b < a ? b : a;']),
  max: (t) => define(`max_${t}`, t, two(t), ['return a < b ? b : a;']),
  floor: (t) => floor(t, `floor_${t}`),
  ceil: (t) => ceil(t, `ceil_${t}`),
  round_even: (t) => roundEven(t, `round_even_${t}`),
  saturate: (from, to) => (isFloat(from) ? saturateFloat : saturateInteger)(from, to, `saturate_${from}_to_${to}`),
  bits: (from, to) => bits(from, to, `bits_${from}_to_${to}`),
  mul_shift: () => mulShift,
};

/** The helper for element types `from` and `to`. */
export function helperFor(name: CHelperName, from: ScalarType, to: ScalarType): Helper {
  const plain = (t: ScalarType): ScalarType => (t === 'index' ? 'i32' : t);
  return definitions[name](plain(from), plain(to));
}
