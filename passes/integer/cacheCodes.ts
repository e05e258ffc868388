import { append } from '../../dialects/nn/append.ts';
import { add, div, max, mul, sub } from '../../dialects/nn/binary.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { reduceMax, reduceMin } from '../../dialects/nn/reduce.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { abs, floor, round } from '../../dialects/nn/unary.ts';
import type { Append, CacheCodes, Dim, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { createFloats } from '../constants.ts';

/** A part of a cache's storage: what its name ends with, and its values for some rows. */
export interface CachePart {
  readonly suffix: string;
  readonly value: Value;
}

/** How the rows of a cache (its last axis) are stored, in groups of elements with scales of their own. */
export interface CacheFormat {
  /** What the last axis must be a multiple of. */
  readonly multiple: number;
  encode(ops: RowOps, x: Value): CachePart[];
  decode(ops: RowOps, parts: readonly Value[]): Value;
}

/** Elements that share a scale: at most so many of a row. */
const groupSize = 32;
/** Scales of rows of zeros: no division by zero, and zeros come out. */
const leastScale = 2 ** -100;

const widthOf = (x: Value): number => (x.type as TensorType).shape.at(-1) as number;

/** Elements of a group for rows of some width: the most that divide it. */
function groupOf(width: number): number {
  let group = Math.min(groupSize, width);
  while (width % group !== 0) group--;
  return group;
}

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
  rounded = (x: Value): Value => this.rewriter.create(round, { x }).result;
  floored = (x: Value): Value => this.rewriter.create(floor, { x }).result;
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
  groups(x: Value, group = groupOf(widthOf(x))): Value[] {
    return Array.from({ length: widthOf(x) / group }, (_, i) => this.part(x, i * group, group));
  }

  append(past: Value, x: Value, { axis }: Append): Value {
    return this.rewriter.create(append, { past, x }, { axis }).result;
  }
}

// code = round(x / s), s = max |x| / 127; x ≈ code · s
const int8: CacheFormat = {
  multiple: 1,
  encode(ops, x) {
    const groups = ops.groups(x).map((group) => {
      const scale = ops.atLeast(ops.times(ops.most(ops.magnitude(group)), ops.number(1 / 127)), leastScale);
      return { codes: ops.to(ops.rounded(ops.over(group, scale)), 'i8'), scale };
    });
    return [
      { suffix: '', value: ops.join(groups.map(({ codes }) => codes)) },
      { suffix: '.scale', value: ops.join(groups.map(({ scale }) => scale)) },
    ];
  },
  decode(ops, [codes, scales]) {
    const parts = ops.groups(codes as Value);
    return ops.join(parts.map((part, i) => ops.times(ops.to(part, 'f32'), ops.part(scales as Value, i, 1))));
  },
};

// code = round((x − low) / s), s = (high − low) / 15; the two halves of a row share bytes: first + 16 · second
const int4: CacheFormat = {
  multiple: 2,
  encode(ops, x) {
    const groups = ops.groups(x).map((group) => {
      const low = ops.least(group);
      const scale = ops.atLeast(ops.times(ops.minus(ops.most(group), low), ops.number(1 / 15)), leastScale);
      return { codes: ops.rounded(ops.over(ops.minus(group, low), scale)), scale, low };
    });
    const codes = ops.join(groups.map((group) => group.codes));
    const [first, second] = ops.groups(codes, widthOf(codes) / 2) as [Value, Value];
    return [
      { suffix: '', value: ops.to(ops.plus(first, ops.times(second, ops.number(16))), 'u8') },
      { suffix: '.scale', value: ops.join(groups.map(({ scale }) => scale)) },
      { suffix: '.low', value: ops.join(groups.map(({ low }) => low)) },
    ];
  },
  decode(ops, [bytes, scales, lows]) {
    const both = ops.to(bytes as Value, 'f32');
    const second = ops.floored(ops.times(both, ops.number(1 / 16)));
    const codes = ops.join([ops.minus(both, ops.times(second, ops.number(16))), second]);
    const at = (all: Value | undefined, i: number) => ops.part(all as Value, i, 1);
    return ops.join(ops.groups(codes).map((group, i) => ops.plus(ops.times(group, at(scales, i)), at(lows, i))));
  },
};

/** Formats of caches by the word that names them. */
export const cacheFormats: Readonly<Record<CacheCodes, CacheFormat>> = { int8, int4 };
