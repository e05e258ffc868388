import { append } from '../dialects/nn/append.ts';
import { add, div, max, mul, sub } from '../dialects/nn/binary.ts';
import { cast } from '../dialects/nn/cast.ts';
import { concat } from '../dialects/nn/concat.ts';
import { hadamard } from '../dialects/nn/hadamard.ts';
import { reduceMax, reduceMin } from '../dialects/nn/reduce.ts';
import { slice } from '../dialects/nn/slice.ts';
import { abs, floor, round } from '../dialects/nn/unary.ts';
import { rowGroup } from '../dialects/quant/rowCodes.ts';
import { rowDcast } from '../dialects/quant/rowDcast.ts';
import type { Append, Dim, Rewriter, TensorType, Value } from '../src/ir/index.ts';
import { createFloats } from './constants.ts';

export const widthOf = (x: Value): number => (x.type as TensorType).shape.at(-1) as number;

/** Operations on rows, at a rewriter's insertion point. */
export class RowOps {
  readonly rewriter: Rewriter;
  constructor(rewriter: Rewriter) {
    this.rewriter = rewriter;
  }

  number = (value: number): Value => createFloats(this.rewriter, '', [], [value]);
  times = (a: Value, b: Value): Value => this.rewriter.create(mul, { a, b }).result;
  over = (a: Value, b: Value): Value => this.rewriter.create(div, { a, b }).result;
  plus = (a: Value, b: Value): Value => this.rewriter.create(add, { a, b }).result;
  minus = (a: Value, b: Value): Value => this.rewriter.create(sub, { a, b }).result;
  atLeast = (a: Value, b: number): Value => this.rewriter.create(max, { a, b: this.number(b) }).result;
  floored = (x: Value): Value => this.rewriter.create(floor, { x }).result;
  rounded = (x: Value): Value => this.rewriter.create(round, { x }).result;
  magnitude = (x: Value): Value => this.rewriter.create(abs, { x }).result;
  to = (x: Value, element: string): Value => this.rewriter.create(cast, { x }, { to: element }).result;
  most = (x: Value): Value => this.rewriter.create(reduceMax, { x }, { axes: [-1], keepdims: true }).result;
  least = (x: Value): Value => this.rewriter.create(reduceMin, { x }, { axes: [-1], keepdims: true }).result;

  /** Elements `from` and on of each row. */
  part(x: Value, from: number, width: number): Value {
    const { shape } = x.type as TensorType;
    if (width === shape.at(-1)) return x;
    const starts: Dim[] = shape.map((_, axis) => (axis === shape.length - 1 ? from : 0));
    const sizes = shape.with(-1, width);
    return this.rewriter.create(slice, { x }, { starts, steps: shape.map(() => 1), sizes }).result;
  }

  /** Rows that continue one another. */
  join(xs: readonly Value[]): Value {
    const [first] = xs as readonly [Value, ...Value[]];
    if (xs.length === 1) return first;
    return this.rewriter.create(concat, { xs: [...xs] }, { axis: (first.type as TensorType).shape.length - 1 }).result;
  }

  /** The groups of each row. */
  groups(x: Value, group = rowGroup(widthOf(x))): Value[] {
    return Array.from({ length: widthOf(x) / group }, (_, i) => this.part(x, i * group, group));
  }

  /** What rows of codes stand for. */
  real(codes: Value, scale: Value, low?: Value): Value {
    return this.rewriter.create(rowDcast, { codes, scale, ...(low ? { low } : {}) }).result;
  }

  /** scale·H·x of each row, in blocks. */
  transformed(x: Value, block: number, scale: number): Value {
    return this.rewriter.create(hadamard, { x }, { block, scale }).result;
  }

  append(past: Value, x: Value, { axis }: Append): Value {
    return this.rewriter.create(append, { past, x }, { axis }).result;
  }
}
