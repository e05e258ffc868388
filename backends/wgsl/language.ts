import { bitsOf, integerRange, isFloat, type ScalarType } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import { binary, type Expression, expression, negated, nested, precedence, primary } from '../clike/expression.ts';
import { type HelperName, type Language, operatorFloats } from '../clike/language.ts';
import { singleText } from '../clike/numbers.ts';
import { helpers } from './helpers.ts';

/** What the kernels of one module have asked for so far. */
export class WgslSupport {
  /** Definitions by name. */
  readonly helpers = new Map<string, string>();

  /** Calls a function of the module. */
  call(name: keyof typeof helpers, args: readonly Expression[]): Expression {
    this.helpers.set(name, helpers[name]);
    return primary(`${name}(${args.map(({ text }) => text).join(', ')})`, args);
  }
}

/** The two kinds of integer variables: smaller types live in them. */
const isSigned = (element: ScalarType): boolean => element === 'index' || element.startsWith('i');

function typeOf(element: ScalarType): string {
  if (element === 'i1') return 'bool';
  if (element === 'f32') return 'f32';
  if (isFloat(element) || bitsOf(element) > 32) throw new InternalError(`WGSL kernels don't compute in ${element}`);
  return isSigned(element) ? 'i32' : 'u32';
}

/** Where the buffers of a kernel lie: the variable of each, and whether its elements are words. */
export type BufferSpaces = ReadonlyMap<string, 'weights' | 'memory' | 'workgroup'>;

/** WGSL, which notes in `support` what its texts need. `spaces` says where each buffer is. */
export function wgslLanguage(support: WgslSupport, spaces: BufferSpaces): Language {
  const call = (name: HelperName, from: ScalarType, to: ScalarType, args: readonly Expression[]) =>
    callText(support, name, from, to, args);
  return {
    type: typeOf,
    literal: (value, element) => literal(support, value, element),
    cast,
    floats: operatorFloats,
    select: (condition, a, b) => primary(`select(${b.text}, ${a.text}, ${condition.text})`, [condition, a, b]),
    call,
    element(buffer, index, element) {
      const space = spaces.get(buffer);
      if (space === undefined) return primary(`${buffer}[${index.text}]`, [index]);
      const word = `${space}[${placeText(buffer, index)}]`;
      const type = typeOf(element);
      return primary(type === 'u32' ? word : `bitcast<${type}>(${word})`, [index]);
    },
    store(buffer, index, value, element) {
      const space = spaces.get(buffer);
      if (space === undefined) return `${buffer}[${index.text}] = ${value.text};`;
      const word = typeOf(element) === 'u32' ? value.text : `bitcast<u32>(${value.text})`;
      return `${space}[${placeText(buffer, index)}] = ${word};`;
    },
    barrier: 'workgroupBarrier();',
    codeWords: undefined,
    dot4: (sum, weights, activations) =>
      binary(sum, '+', support.call('dot4', [weights, activations]), precedence.additive),
    mma: undefined,
    constant: (_, name, value) => `let ${name} = ${value};`,
    variable: (element, name, value) => `var ${name}: ${typeOf(element)} = ${value};`,
    loop(counter, lower, upper, step) {
      const advance = step === 1 ? `${counter}++` : `${counter} += ${step}`;
      return `for (var ${counter}: i32 = ${lower}; ${counter} < ${upper}; ${advance}) {`;
    },
  };
}

/** A buffer's name holds the place of its first word. */
function placeText(buffer: string, index: Expression): string {
  return index.literal === 0 ? buffer : `${buffer} + ${nested(index, precedence.additive)}`;
}

const wrapper = (type: string, a: Expression) => primary(`${type}(${a.text})`, [a]);

function cast(a: Expression, from: ScalarType, to: ScalarType): Expression {
  if (to === 'i1') return binary(a, '!=', primary(isFloat(from) ? '0.0' : '0'), precedence.equality);
  if (isFloat(to)) return from === to ? a : wrapper('f32', a);
  const type = typeOf(to);
  const kept = typeOf(from) === type && a.precedence === precedence.primary ? a : wrapper(type, a);
  const bits = bitsOf(to);
  const [low, high] = from === 'i1' ? [0, 1] : integerRange(from);
  const [least, most] = integerRange(to);
  if (bits === 32 || (low >= least && high <= most && from !== 'i32')) return kept;
  if (isSigned(to)) return primary(`extractBits(${kept.text}, 0u, ${bits}u)`, [a]);
  return binary(kept, '&', primary(`${2 ** bits - 1}u`), precedence.bitAnd);
}

function literal(support: WgslSupport, value: number, element: ScalarType): Expression {
  const text = literalText(value, element);
  if (text === undefined) {
    const bits = Number.isNaN(value) ? '0x7fc00000u' : value < 0 ? '0xff800000u' : '0x7f800000u';
    return { ...support.call('unusual', [primary(bits)]), literal: value };
  }
  const level = text.startsWith('-') ? precedence.unary : precedence.primary;
  return { ...expression(text, level, []), literal: value };
}

/** Infinities and NaN can't be written. */
function literalText(value: number, element: ScalarType): string | undefined {
  if (element === 'i1') return value === 0 ? 'false' : 'true';
  if (isFloat(element)) {
    const single = Math.fround(value);
    return Number.isFinite(single) ? `${singleText(single)}f` : undefined;
  }
  const bits = bitsOf(element);
  if (isSigned(element)) {
    const wrapped = BigInt.asIntN(bits, BigInt(value));
    return wrapped === -(2n ** 31n) ? 'i32(-2147483648)' : `${wrapped}`;
  }
  return `${BigInt.asUintN(bits, BigInt(value))}u`;
}

function callText(
  support: WgslSupport,
  name: HelperName,
  from: ScalarType,
  to: ScalarType,
  args: readonly Expression[],
): Expression {
  const [a, b] = args as [Expression, Expression];
  const narrow = (e: Expression) => (bitsOf(to) < 32 ? cast(e, isSigned(to) ? 'i32' : 'u32', to) : e);
  const builtin = (text: string) => primary(`${text}(${args.map((arg) => arg.text).join(', ')})`, args);
  switch (name) {
    case 'add':
      return narrow(binary(a, '+', b, precedence.additive));
    case 'sub':
      return narrow(binary(a, '-', b, precedence.additive));
    case 'mul':
      return narrow(binary(a, '*', b, precedence.multiplicative));
    case 'neg':
      return narrow(isSigned(to) ? negated(a) : binary(primary('0u'), '-', a, precedence.additive));
    case 'abs':
      return isFloat(to) || !isSigned(to) ? builtin('abs') : narrow(builtin('abs'));
    case 'min':
    case 'max':
      return isFloat(to) ? support.call(`${name}_f32`, args) : builtin(name);
    case 'round_even':
      return builtin('round');
    case 'bits':
      return wrapper(`bitcast<${typeOf(to)}>`, a);
    case 'saturate':
      return isFloat(from) ? saturateFloat(support, a, to) : saturateInteger(a, from, to);
    case 'floor':
    case 'ceil':
    case 'sqrt':
      return builtin(name);
    case 'decode_f16':
    case 'encode_f16':
      return support.call(name, args);
    case 'mul_shift':
      throw new InternalError('64-bit products were to be expanded');
  }
}

function saturateInteger(a: Expression, from: ScalarType, to: ScalarType): Expression {
  const [low, high] = integerRange(to);
  if (!isSigned(from)) return cast(primary(`min(${a.text}, ${high}u)`, [a]), to, isSigned(to) ? 'i32' : 'u32');
  const clamped = primary(`clamp(${a.text}, ${low}, ${high})`, [a]);
  return isSigned(to) ? clamped : wrapper('u32', clamped);
}

function saturateFloat(support: WgslSupport, a: Expression, to: ScalarType): Expression {
  if (to === 'u32') return support.call('saturate_u32', [a]);
  const wide = support.call('saturate_i32', [a]);
  return bitsOf(to) === 32 ? wide : saturateInteger(wide, 'i32', to);
}
