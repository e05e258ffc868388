import type { Op, Value } from '../../src/ir/index.ts';
import type { BodyPrinter } from './body.ts';
import type { Expression } from './expression.ts';

/** A language that has vectors: a vector is one or several variables, its pieces, rather than one for each lane. */
export interface VectorLanguage {
  /** The type of each piece of a vector. */
  readonly type: (value: Value) => string;
  /** The pieces of an op's result; undefined where the op has to do with scalars alone. */
  readonly expressions: (printer: BodyPrinter, op: Op) => readonly Expression[] | undefined;
  /** The statements that write the first `lanes` lanes of a vector. */
  readonly store: (
    pieces: readonly Expression[],
    to: { readonly value: Value; readonly buffer: string; readonly index: Expression; readonly lanes: number },
  ) => readonly string[];
  /** What the program knows about its machine: the setting `dot_sign_mask`. */
  readonly signMask: number;
}
