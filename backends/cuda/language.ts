import type { ScalarType } from '../../src/ir/index.ts';
import { type CSupport, cLanguage } from '../c/language.ts';
import { type Expression, expression, nested, precedence, primary } from '../clike/expression.ts';
import type { Floats, Language } from '../clike/language.ts';
import { mmaHelper } from './mma.ts';

/** Functions of the device that round once each: compilers join operators, as `a * b + c`, but never these. */
const floats: Floats = {
  mul: (a, b, element) => called(element === 'f32' ? '__fmul_rn' : '__dmul_rn', [a, b]),
  mulAdd: (a, b, c, element) => called(element === 'f32' ? '__fmaf_rn' : '__fma_rn', [a, b, c]),
};

const called = (name: string, args: readonly Expression[]): Expression =>
  primary(`${name}(${args.map(({ text }) => text).join(', ')})`, args);

/** A word as the signed number that __dp4a takes. */
const word = (a: Expression): Expression =>
  expression(`(int32_t)${nested(a, precedence.unary)}`, precedence.unary, [a]);

/** CUDA C++: C, with barriers, the dot product of four codes, and floats that are rounded as they are written. */
export function cudaLanguage(support: CSupport): Language {
  const language = cLanguage(support);
  return {
    ...language,
    floats,
    codeWords: undefined,
    call: (name, from: ScalarType, to: ScalarType, args) =>
      name === 'sqrt'
        ? called(from === 'f32' ? '__fsqrt_rn' : '__dsqrt_rn', args)
        : language.call(name, from, to, args),
    barrier: '__syncthreads();',
    mma(accumulators, words) {
      support.require(mmaHelper);
      return `${mmaHelper.name}(${[...accumulators, ...words.map(({ text }) => text)].join(', ')});`;
    },
    dot4: (sum, weights, activations) => called('__dp4a', [word(weights), word(activations), sum]),
  };
}
