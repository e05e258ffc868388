import { bitsOf, isFloat, type ScalarType } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import { binary, type Expression, expression, nested, precedence, primary } from '../clike/expression.ts';
import { type Language, operatorFloats } from '../clike/language.ts';
import { singleDigits } from '../clike/numbers.ts';
import type { Machine } from './guard.ts';
import { type Helper, helperFor, shareHelper } from './helpers.ts';
import { threadParameters } from './threads.ts';
import { cType } from './types.ts';

/** What the kernels of one file have asked for so far. */
export class CSupport {
  readonly machine: Machine;
  /** Definitions by name, each after those that it needs. */
  readonly helpers = new Map<string, Helper>();
  /** sqrtf is the only library function that a kernel may call. */
  usesMathLibrary = false;
  /** math.h, for INFINITY and NAN too. */
  usesMathHeader = false;
  usesFloat = false;

  /** `machine`: what holds where the file will run, when it is written for one processor. */
  constructor(machine?: Machine) {
    this.machine = machine;
  }

  require(helper: Helper): void {
    for (const needed of helper.needs) this.require(needed);
    this.helpers.set(helper.name, helper);
  }
}

/** C99, which notes in `support` what its texts need. `codeWords`: how products of four codes in a word are written. */
export function cLanguage(support: CSupport, codeWords?: Language['codeWords']): Language {
  return {
    type(element) {
      if (isFloat(element)) support.usesFloat = true;
      return cType(element);
    },
    literal: (value, element) => literal(support, value, element),
    cast,
    floats: operatorFloats,
    select(condition, a, b) {
      const [c, x, y] = [condition, a, b].map((e) => nested(e, precedence.ternary));
      return expression(`${c} ? ${x} : ${y}`, precedence.ternary, [condition, a, b]);
    },
    call(name, from, to, args) {
      const texts = args.map((arg) => arg.text).join(', ');
      if (name === 'sqrt') {
        support.usesMathLibrary = true;
        support.usesMathHeader = true;
        return primary(`${from === 'f64' ? 'sqrt' : 'sqrtf'}(${texts})`, args);
      }
      if (name === 'decode_f16' || name === 'encode_f16') {
        throw new InternalError('conversions of 16-bit floats were to be expanded');
      }
      const helper = helperFor(name, from, to);
      support.require(helper);
      return primary(`${helper.name}(${texts})`, args);
    },
    element(buffer, index, element) {
      const place = primary(`${buffer}[${index.text}]`, [index]);
      return element === 'i1' ? expression(`${place.text} != 0`, precedence.equality, [place]) : place;
    },
    store: (buffer, index, value) => `${buffer}[${index.text}] = ${value.text};`,
    share(lower, upper, step, overlaps) {
      support.require(shareHelper);
      const [thread, threads] = threadParameters;
      const bound = (number: string) =>
        primary(
          `${shareHelper.name}(${lower.text}, ${upper.text}, ${step}, ${Number(overlaps)}, ${number}, ${threads})`,
          [lower, upper],
        );
      return [bound(thread), bound(`${thread} + 1`)];
    },
    barrier: undefined,
    dot4: undefined,
    codeWords,
    mma: undefined,
    constant: (element, name, value) => `const ${cType(element)} ${name} = ${value};`,
    variable: (element, name, value) => `${cType(element)} ${name} = ${value};`,
    loop(counter, lower, upper, step) {
      const advance = step === 1 ? `${counter}++` : `${counter} += ${step}`;
      return `for (int32_t ${counter} = ${lower}; ${counter} < ${upper}; ${advance}) {`;
    },
  };
}

function cast(a: Expression, from: ScalarType, to: ScalarType): Expression {
  const type = cType(to);
  if (type === cType(from) && a.precedence >= precedence.unary) return a;
  if (to === 'i1') return binary(a, '!=', primary('0'), precedence.equality);
  return expression(`(${type})${nested(a, precedence.unary)}`, precedence.unary, [a]);
}

/** A number of an element type, in the shortest decimal form that C reads as the same number. */
function literal(support: CSupport, value: number, element: ScalarType): Expression {
  const text = isFloat(element) ? floatText(value, element === 'f32') : integerText(value, element);
  if (/INFINITY|NAN/.test(text)) support.usesMathHeader = true;
  const level = text.startsWith('-') ? precedence.unary : precedence.primary;
  return { ...expression(text, level, []), literal: value };
}

/** Integers are given modulo 2^bits. */
function integerText(value: number, element: ScalarType): string {
  if (element === 'i1') return value === 0 ? 'false' : 'true';
  const bits = bitsOf(element);
  const signed = element === 'index' || element.startsWith('i');
  const wrapped = signed ? BigInt.asIntN(bits, BigInt(value)) : BigInt.asUintN(bits, BigInt(value));
  if (signed && bits >= 32 && wrapped === -(2n ** BigInt(bits - 1))) return `INT${bits}_MIN`;
  if (bits > 32) return wrapped < 0n ? `-INT64_C(${-wrapped})` : `${signed ? '' : 'U'}INT64_C(${wrapped})`;
  return `${wrapped}${element === 'u32' ? 'u' : ''}`;
}

function floatText(value: number, single: boolean): string {
  const exact = single ? Math.fround(value) : value;
  if (Number.isNaN(exact)) return 'NAN';
  if (!Number.isFinite(exact)) return exact < 0 ? '-INFINITY' : 'INFINITY';
  const sign = exact < 0 || Object.is(exact, -0) ? '-' : '';
  const digits = single ? singleDigits(Math.abs(exact)) : `${Math.abs(exact)}`;
  const whole = /^\d+$/.test(digits) ? `${digits}.0` : digits;
  return `${sign}${whole}${single ? 'f' : ''}`;
}
