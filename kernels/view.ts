import { elementOf, type KernelBuilder } from '../dialects/kernel/index.ts';
import {
  type AxisIndex,
  addDim,
  bytesOf,
  type Dim,
  floorDivDim,
  knownSize,
  maxDim,
  minDim,
  mulDim,
  type Op,
  physicalOrder,
  staticShape,
  stepsOf,
  storageOf,
  storedSize,
  subDim,
  type TensorType,
  type Value,
} from '../src/ir/index.ts';
import { InternalError } from '../src/support/diagnostics.ts';
import { lanesFor } from '../src/target/index.ts';
import { type Cluster, storedElement, tensorType } from './cluster.ts';
import { broadcastAccess, inOrder } from './elementwise.ts';
import { type Access, loopNest } from './loops.ts';
import type { KernelContext, KernelPlan } from './plan.ts';
import { writeNest, writesWholeWords } from './write.ts';

/** The part of the result that an operand reaches, and how both are walked over it. */
interface Window {
  readonly begin: Dim[];
  readonly extent: Dim[];
}

/** For each result axis, the indices at which every operand axis that it walks stays inside the operand. */
function windowOf(operand: TensorType, result: TensorType, index: readonly AxisIndex[]): Window {
  const { shape } = result;
  const begin = shape.map((): Dim => 0);
  const end = [...shape];
  index.forEach(({ axis, stride, offset }, a) => {
    if (axis === undefined || stride === 0) return;
    const toLast = subDim(subDim(operand.shape[a] as Dim, 1), offset);
    // ⌈−offset / stride⌉ and ⌊(last − offset) / stride⌋, the other way round where the stride is negative
    const [low, high] = stride > 0 ? [subDim(0, offset), toLast] : [mulDim(toLast, -1), offset];
    const by = Math.abs(stride);
    begin[axis] = maxDim(begin[axis] as Dim, floorDivDim(addDim(low, by - 1), by));
    end[axis] = minDim(end[axis] as Dim, addDim(floorDivDim(high, by), 1));
  });
  const extent = end.map((e, axis) => subDim(e, begin[axis] as Dim));
  return { begin, extent: extent.map((e) => (typeof e === 'number' ? Math.max(0, e) : e)) };
}

/** The index map of a view; another layout is the identity. */
function indexMap(op: Op): { index: readonly AxisIndex[]; fill: number | undefined } {
  const { lower } = op.definition;
  if (lower?.kind === 'view') return { index: lower.index(op), fill: lower.fill?.(op) };
  if (op.name !== 'nn.relayout') throw new InternalError(`${op.name} is not a view`);
  return { index: tensorType(op.result).shape.map((_, axis) => ({ axis, stride: 1, offset: 0 })), fill: undefined };
}

/** A copy through an index map: transpose, slice, pad, broadcast, another layout. */
export function view(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const source = cluster.outside(root.operand(0));
  const [operand, result] = [tensorType(source), tensorType(cluster.result)];
  const { index, fill } = indexMap(root);
  const window = windowOf(operand, result, index);
  const [from, to] = [stepsOf(operand), stepsOf(result)];
  const rank = window.begin.length;
  const sourceStrides = new Array<Dim>(rank).fill(0);
  let sourceOffset: Dim = 0;
  index.forEach(({ axis, stride, offset }, a) => {
    const step = from[a] as Dim;
    sourceOffset = addDim(sourceOffset, mulDim(offset, step));
    if (axis === undefined) return;
    const walked = mulDim(stride, step);
    sourceStrides[axis] = addDim(sourceStrides[axis] as Dim, walked);
    sourceOffset = addDim(sourceOffset, mulDim(window.begin[axis] as Dim, walked));
  });
  const targetOffset = window.begin.reduce<Dim>((sum, b, axis) => addDim(sum, mulDim(b, to[axis] as Dim)), 0);
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const build = (k: KernelBuilder): void => {
    const x = context.input(k, 'x', source);
    const y = context.output(k, cluster.result);
    const covers = window.extent.every((e, axis) => e === result.shape[axis]);
    if (!covers && context.target.family === 'simt') {
      const filled = { shape: staticShape(result), to: to.map(knownSize), window, fill: fill ?? 0 };
      writeFilled(k, context, { x, y }, filled, { strides: sourceStrides, offset: sourceOffset }, result, lanes);
      return;
    }
    if (!covers) {
      const value = k.constant(fill ?? 0, storedElement(cluster.result));
      loopNest(k, [storedSize(result)], [{ strides: [1], offset: 0 }], lanes, ([at], n) => {
        k.store(k.splat(value, n), y, at as Value);
      });
    }
    const walked = { strides: inOrder(result, sourceStrides), offset: sourceOffset };
    const written = { buffer: y, access: { strides: inOrder(result, to), offset: targetOffset } };
    writeNest(k, context.target, inOrder(result, window.extent), [walked], written, lanes, ([a], n, [whole]) =>
      n > 1 && whole ? k.load(x, a as Value, n) : k.splat(k.load(x, a as Value), n),
    );
  };
  return { operands: [source], variants: [{ feature: undefined, build }] };
}

/** What a view writes where its operand is not. */
interface Filled {
  readonly shape: readonly number[];
  readonly to: readonly number[];
  readonly window: Window;
  readonly fill: number;
}

/** Every element in one pass, as no part of a kernel may wait for another: the operand's where there is one. */
function writeFilled(
  k: KernelBuilder,
  { target }: KernelContext,
  { x, y }: { x: Value; y: Value },
  { shape, to, window, fill }: Filled,
  source: Access,
  result: TensorType,
  lanes: number,
): void {
  // the source's offset is that of the window's first element
  const offset = window.begin.reduce<Dim>(
    (sum, b, axis) => subDim(sum, mulDim(b, source.strides[axis] as Dim)),
    source.offset,
  );
  const cut = shape.map((_, axis) => axis).filter((axis) => window.extent[axis] !== shape[axis]);
  const innermost = physicalOrder(result.layout, shape.length).at(-1) as number;
  const width = cut.includes(innermost) ? 1 : lanes;
  const accesses = [{ strides: inOrder(result, source.strides), offset }];
  const written = { buffer: y, access: { strides: inOrder(result, to), offset: 0 } };
  writeNest(k, target, inOrder(result, shape), accesses, written, width, ([from, at], n, [whole]) => {
    const inside = cut.map((axis) => {
      const index = k.remainder(k.quotient(at as Value, to[axis] as number), shape[axis] as number);
      const begin = window.begin[axis] as Dim;
      const end = addDim(begin, window.extent[axis] as Dim);
      return k.and(k.cmp('ge', index, k.index(begin)), k.cmp('lt', index, k.index(end)));
    });
    const all = inside.reduce((a, b) => k.and(a, b));
    const place = k.select(all, from as Value, k.index(0));
    const value = n > 1 && whole ? k.load(x, place, n) : k.splat(k.load(x, place), n);
    return k.select(k.splat(all, n), value, k.constant(fill, elementOf(x), value));
  });
}

/** Elements written behind those of the first operand, which lies where the result does. */
export function append(cluster: Cluster, context: KernelContext): KernelPlan {
  const axis = cluster.root.attributes.axis as number;
  const [past, x] = cluster.root.operands.map((v) => cluster.outside(v as Value)) as [Value, Value];
  const result = tensorType(cluster.result);
  const to = stepsOf(result);
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const build = (k: KernelBuilder): void => {
    const from = context.input(k, 'x', x);
    const offset = mulDim(tensorType(past).shape[axis] as Dim, to[axis] as Dim);
    const written = { buffer: context.output(k, cluster.result), access: { strides: inOrder(result, to), offset } };
    const read = { strides: inOrder(result, stepsOf(tensorType(x))), offset: 0 };
    const extents = inOrder(result, tensorType(x).shape);
    writeNest(k, context.target, extents, [read], written, lanes, ([a], n) => k.load(from, a as Value, n));
  };
  return { operands: [x], variants: [{ feature: undefined, build }] };
}

/** Operands one after the other along an axis. */
export function concat(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const axis = root.attributes.axis as number;
  const result = tensorType(cluster.result);
  const to = stepsOf(result);
  const at = axis < 0 ? axis + to.length : axis;
  const sources = root.operands.map((v) => cluster.outside(v as Value));
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const build = (k: KernelBuilder): void => {
    const inputs = sources.map((v, i) => context.input(k, `x${i}`, v));
    const y = context.output(k, cluster.result);
    let begin: Dim = 0;
    const parts = sources.map((source, i) => {
      const type = tensorType(source);
      const part = {
        ...{ input: inputs[i] as Value, begin, skipped: mulDim(begin, stepsOf(type)[at] as Dim) },
        extents: inOrder(result, type.shape),
        from: { strides: inOrder(result, stepsOf(type)), offset: 0 },
        written: { buffer: y, access: { strides: inOrder(result, to), offset: mulDim(begin, to[at] as Dim) } },
      };
      begin = addDim(begin, type.shape[at] as Dim);
      return part;
    });
    if (!parts.every(({ extents, written }) => writesWholeWords(context.target, extents, written, lanes))) {
      writeJoined(
        k,
        context,
        parts,
        { size: staticShape(result)[at] as number, step: knownSize(to[at] as Dim) },
        result,
        y,
      );
      return;
    }
    for (const { input, extents, from, written } of parts) {
      writeNest(k, context.target, extents, [from], written, lanes, ([a], n) => k.load(input, a as Value, n));
    }
  };
  return { operands: sources, variants: [{ feature: undefined, build }] };
}

/** One operand of a concatenation. */
interface Part {
  readonly input: Value;
  /** Its first index along the axis. */
  readonly begin: Dim;
  /** Its elements before that index, as it walks them. */
  readonly skipped: Dim;
  readonly from: Access;
}

/** Every element in one pass: that of the last operand that begins before it. */
function writeJoined(
  k: KernelBuilder,
  { target }: KernelContext,
  parts: readonly Part[],
  axis: { readonly size: number; readonly step: number },
  result: TensorType,
  y: Value,
): void {
  const written = { buffer: y, access: broadcastAccess(result, result) };
  const extents = inOrder(result, staticShape(result));
  const accesses = parts.map(({ from }) => from);
  writeNest(k, target, extents, accesses, written, 1, (at) => {
    const index = k.remainder(k.quotient(at.at(-1) as Value, axis.step), axis.size);
    const values = parts.map(({ input, begin, skipped }, i) => {
      const own = k.sub(at[i] as Value, k.index(skipped));
      const next = parts[i + 1]?.begin ?? axis.size;
      const inside = k.and(k.cmp('ge', index, k.index(begin)), k.cmp('lt', index, k.index(next)));
      return { inside, value: k.load(input, k.select(inside, own, k.index(0))) };
    });
    return values.reduceRight<Value | undefined>(
      (rest, { inside, value }) => (rest ? k.select(inside, value, rest) : value),
      undefined,
    ) as Value;
  });
}
