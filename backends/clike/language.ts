import type { ScalarType } from '../../src/ir/index.ts';
import { binary, type Expression, precedence, sum } from './expression.ts';

/**
 * Functions that a generated file defines for itself where the language has no operator with the kernel dialect's
 * meaning: wrapping arithmetic, roundings without a library, saturation.
 */
export type HelperName =
  | ('add' | 'sub' | 'mul' | 'neg' | 'abs' | 'min' | 'max' | 'floor' | 'ceil' | 'round_even' | 'sqrt')
  | ('saturate' | 'bits' | 'mul_shift' | 'decode_f16' | 'encode_f16');

/** How floats are multiplied. */
export interface Floats {
  readonly mul: (a: Expression, b: Expression, element: ScalarType) => Expression;
  /** a·b + c, rounded once or twice. */
  readonly mulAdd: (a: Expression, b: Expression, c: Expression, element: ScalarType) => Expression;
}

/** By operators, in languages whose compilers are told to round each. */
export const operatorFloats: Floats = {
  mul: (a, b) => binary(a, '*', b, precedence.multiplicative),
  mulAdd: (a, b, c) => sum(binary(a, '*', b, precedence.multiplicative), c),
};

/** What differs between C and the languages that look like it. */
export interface Language {
  /** Type of a variable. */
  readonly type: (element: ScalarType) => string;
  readonly literal: (value: number, element: ScalarType) => Expression;
  /** Conversion of a value that fits, or of an integer that wraps. */
  readonly cast: (a: Expression, from: ScalarType, to: ScalarType) => Expression;
  readonly select: (condition: Expression, a: Expression, b: Expression) => Expression;
  /** Products of floats, which no compiler may join with a sum unless it says so, and a·b + c of the primitive `mul_add`. */
  readonly floats: Floats;
  /** Calls a helper for element type `from`, with a result of type `to`. */
  readonly call: (name: HelperName, from: ScalarType, to: ScalarType, args: readonly Expression[]) => Expression;
  /** The value of an element of a buffer. */
  readonly element: (buffer: string, index: Expression, element: ScalarType) => Expression;
  /** The statement that writes an element of a buffer. */
  readonly store: (buffer: string, index: Expression, value: Expression, element: ScalarType) => string;
  /** Where the part of a loop's range begins and ends that this thread does; undefined where one thread runs a kernel. */
  readonly share?: (
    lower: Expression,
    upper: Expression,
    step: number,
    overlaps: boolean,
  ) => readonly [Expression, Expression];
  /** The statement at which the invocations of a group wait for one another; undefined where there are none. */
  readonly barrier: string | undefined;
  /** accumulator + Σ of the products of four i8 lanes in words; undefined where lanes are multiplied one by one. */
  readonly dot4: ((accumulator: Expression, weights: Expression, activations: Expression) => Expression) | undefined;
  /** Words of four codes that only the products of `dot_i8x4` read; undefined where lanes are loaded one by one. */
  readonly codeWords:
    | {
        readonly load: (buffer: string, index: Expression) => Expression;
        readonly dot: (accumulator: Expression, weights: Expression, activations: Expression) => Expression;
      }
    | undefined;
  /** The statement by which 32 invocations multiply tiles: names of accumulators, then words of codes; undefined where there is none. */
  readonly mma: ((accumulators: readonly string[], words: readonly Expression[]) => string) | undefined;
  /** A variable that keeps its value. */
  readonly constant: (element: ScalarType, name: string, value: string) => string;
  /** A variable that a loop changes. */
  readonly variable: (element: ScalarType, name: string, value: string) => string;
  readonly loop: (counter: string, lower: string, upper: string, step: number) => string;
}
