import { add, sub } from '../../../dialects/nn/binary.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { rotary } from '../../../dialects/nn/rotary.ts';
import { slice } from '../../../dialects/nn/slice.ts';
import type { Dim, Op, Rewriter, TensorType, Value } from '../../../src/ir/index.ts';
import { defineRewritePass } from '../../../src/pass/define.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { withoutClamp } from '../../clamps.ts';
import { factorsOf, negated, termsOf } from './spelling.ts';

/** The elements of x that are the first, or the second, of their pairs. */
interface Part {
  /** [..., D], or [..., D/2, 2] where `paired`. */
  readonly x: Value;
  readonly which: 0 | 1;
  readonly interleaved: boolean;
  readonly paired: boolean;
}

const shapeOf = (v: Value): readonly Dim[] => (v.type as TensorType).shape;

/** Where a slice of the last axis alone begins, and its step. */
function lastAxisSlice(root: Op | undefined): { start: Dim; step: number } | undefined {
  if (!slice.is(root)) return undefined;
  const { starts, steps, sizes } = slice.attributesOf(root);
  const shape = shapeOf(root.operand(0));
  const whole = shape.slice(0, -1).every((dim, i) => starts[i] === 0 && steps[i] === 1 && sizes[i] === dim);
  return whole ? { start: starts.at(-1) as Dim, step: steps.at(-1) as number } : undefined;
}

/** The part of a tensor that `v` is: a half of the last axis, every second element, or one of two columns. */
function partOf(v: Value): Part | undefined {
  const last = shapeOf(v).at(-1);
  const sliced = lastAxisSlice(v.op);
  if (sliced && typeof last === 'number') {
    const x = (v.op as Op).operand(0);
    if (shapeOf(x).at(-1) !== 2 * last) return undefined;
    const { start, step } = sliced;
    if (step === 2 && last > 1 && (start === 0 || start === 1)) {
      return { x, which: start, interleaved: true, paired: false };
    }
    const half = start === 0 ? 0 : start === last ? 1 : undefined;
    return step === 1 && half !== undefined ? { x, which: half, interleaved: false, paired: false } : undefined;
  }
  const inner = reshape.is(v.op) ? v.op.operand(0) : undefined;
  const column = lastAxisSlice(inner?.op);
  if (!inner || !column) return undefined;
  const x = (inner.op as Op).operand(0);
  const shape = shapeOf(x);
  const dropped = shapeOf(v);
  const drops = shape.at(-1) === 2 && dropped.length === shape.length - 1 && dropped.every((d, i) => d === shape[i]);
  const { start } = column;
  return drops && (start === 0 || start === 1) && shapeOf(inner).at(-1) === 1
    ? { x, which: start, interleaved: true, paired: true }
    : undefined;
}

/** The values that `root` joins: along the last axis, or each as a column of a new last axis. */
function joinedBy(root: Op): { parts: readonly [Value, Value]; columns: boolean } | undefined {
  const shape = shapeOf(root.result);
  if (!concat.is(root) || root.operands.length !== 2) return undefined;
  const { axis } = concat.attributesOf(root);
  if (axis !== shape.length - 1 && axis !== -1) return undefined;
  const [a, b] = [root.operand(0), root.operand(1)];
  const [x, y] = [a, b].map(withoutLastOne);
  if (x && y && shape.at(-1) === 2) return { parts: [x, y], columns: true };
  return { parts: [a, b], columns: false };
}

/** The x of a reshape that adds a last axis of size 1. */
function withoutLastOne(v: Value): Value | undefined {
  const x = reshape.is(v.op) ? v.op.operand(0) : undefined;
  if (!x) return undefined;
  const wanted = [...shapeOf(x), 1];
  const shape = shapeOf(v);
  return shape.length === wanted.length && shape.every((dim, i) => dim === wanted[i]) ? x : undefined;
}

function belongTogether(a: Part, b: Part): boolean {
  return a.x === b.x && a.which !== b.which && a.interleaved === b.interleaved && a.paired === b.paired;
}

/** Whether a table of angles has one number for each of the last axis's elements. */
const hasWidth = (table: Value, width: Dim | undefined) => width !== undefined && shapeOf(table).at(-1) === width;

interface Turn {
  readonly first: Part;
  readonly cos: Value;
  readonly sin: Value;
}

// (a·cos − b·sin, b·cos + a·sin)
function turnOf(first: Value, second: Value): Turn | undefined {
  if (!sub.is(first.op) || !withoutClamp(first.op) || first.type !== second.type) return undefined;
  for (const [a, cos] of factorsOf(first.op.operand(0))) {
    const p = partOf(a);
    if (p?.which !== 0 || a.type !== first.type) continue;
    for (const [b, sin] of factorsOf(first.op.operand(1))) {
      const q = partOf(b);
      if (!q || !belongTogether(p, q) || !hasWidth(cos, shapeOf(a).at(-1)) || !hasWidth(sin, shapeOf(a).at(-1)))
        continue;
      const is = (v: Value, part: Part, table: Value) =>
        factorsOf(v).some(([x, t]) => t === table && samePart(partOf(x), part));
      if (termsOf(second).some(([u, v]) => is(u, q, cos) && is(v, p, sin))) return { first: p, cos, sin };
    }
  }
  return undefined;
}

function samePart(a: Part | undefined, b: Part): boolean {
  return a !== undefined && a.x === b.x && a.which === b.which && a.interleaved === b.interleaved;
}

/** rotary on the pairs of `part`, in the shape of `root`. */
function create(rewriter: Rewriter, root: Op, { first, cos, sin }: Turn): Value {
  const { x, interleaved, paired } = first;
  const shape = shapeOf(x);
  const pairs = shape.at(-2);
  const flat = paired && typeof pairs === 'number' ? [...shape.slice(0, -2), 2 * pairs] : shape;
  const operand = paired ? rewriter.create(reshape, { x }, { shape: flat }).result : x;
  const y = rewriter.create(rotary, { x: operand, cos, sin }, { interleaved }, { source: root.source }).result;
  const wanted = shapeOf(root.result);
  const same = wanted.length === flat.length;
  return same ? y : rewriter.create(reshape, { x: y }, { shape: wanted }).result;
}

// join(a·cos − b·sin, b·cos + a·sin) == rotary(x, cos, sin), a and b the parts of x
const parts = rule('rotary-of-parts', op(concat), ({ root }, rewriter) => {
  const found = joinedBy(root);
  const turn = found && turnOf(...found.parts);
  return turn && turn.first.interleaved === found.columns ? create(rewriter, root, turn) : undefined;
});

/** The x of join(−b, a), a and b the parts of x. */
function quarterTurned(v: Value): Part | undefined {
  const outer = reshape.is(v.op) && concat.is(v.op.operand(0).op) ? v.op.operand(0) : v;
  const found = outer.op && joinedBy(outer.op);
  const below = found && negated(found.parts[0]);
  const [q, p] = [below && partOf(below), found && partOf(found.parts[1])];
  if (!p || !q || p.which !== 0 || !belongTogether(p, q) || p.interleaved !== found?.columns) return undefined;
  const same = shapeOf(v).length === shapeOf(p.x).length && !p.paired;
  return same ? p : undefined;
}

// x·cos + join(−b, a)·sin == rotary(x, cos, sin), a and b the parts of x, a number of cos and sin for each element
const halves = rule('rotary-of-halves', op(add), ({ root }, rewriter) => {
  if (!withoutClamp(root)) return undefined;
  for (const [plain, turned] of termsOf(root.result)) {
    for (const [t, sin] of factorsOf(turned)) {
      const part = quarterTurned(t);
      const cos = part && factorsOf(plain).find(([x]) => x === part.x)?.[1];
      const width = part && shapeOf(part.x).at(-1);
      if (!part || !cos || !hasWidth(cos, width) || !hasWidth(sin, width)) continue;
      if (root.result.type !== part.x.type) continue;
      return create(rewriter, root, { first: part, cos, sin });
    }
  }
  return undefined;
});

/** Rotary position embeddings that a model spells out become one op. */
export const recognizeRotary = defineRewritePass({
  name: 'recognize-rotary',
  summary: 'Finds rotary position embeddings that are spelled out in slices, products and concatenations.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [parts, halves],
});
