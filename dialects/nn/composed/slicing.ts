import { addDim, type Dim, floorDivDim, type OnnxMapping, type OnnxNode, type Value } from '../../../src/ir/index.ts';
import { normalAxes, normalAxis } from '../axes.ts';
import { rangeOf } from '../range.ts';
import { importSlice } from '../slice.ts';
import { importTopK } from '../topK.ts';
import { Compose, shapeOf, tensorOf } from './compose.ts';

// Slices whose bounds data decide: the places are counted, and what is there gathered.

/** The numbers start, start + step, … before limit, of which there are `most` at most. */
function places(c: Compose, start: Value, limit: Value, step: number, most: Dim): Value {
  const attributes = { count: [c.node.freshDim('size', most)], most: [most] };
  return c.node.create(rangeOf, { start, limit, step: c.scalar(step, start) }, attributes).result;
}

/** The size of an axis as an i64 scalar: a constant where it is a number. */
function sizeOf(c: Compose, x: Value, axis: number): Value {
  const size = shapeOf(x)[axis] as Dim;
  return typeof size === 'number' ? c.constant(tensorOf('i64', [], [size])) : c.size(x, axis);
}

/** Slice, where input 1 or 2 depends on data: bounds are clamped as the specification says. */
function computedSlice(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const [starts, ends] = [c.cast(node.input(1), 'i64'), c.cast(node.input(2), 'i64')];
  const [count] = shapeOf(starts);
  if (typeof count !== 'number' || shapeOf(ends)[0] !== count) return node.refuse('starts and ends of no known number');
  const rank = shapeOf(x).length;
  const axes = normalAxes(node.constantNumbers(3) ?? Array.from({ length: count }, (_, i) => i), rank);
  const steps = node.constantNumbers(4);
  return axes.reduce((y, axis, i) => {
    const step = steps?.[i] ?? 1;
    if (step === 0) return node.refuse('a step of 0');
    const size = sizeOf(c, x, axis);
    const [zero, one] = [c.scalar(0, size), c.scalar(1, size)];
    const at = (list: Value) => {
      const given = c.reshape(c.slice(list, 0, i, 1), []);
      return c.where(c.less(given, zero), c.add(given, size), given);
    };
    const last = c.sub(size, one);
    const start = c.max(c.min(at(starts), step > 0 ? size : last), zero);
    const limit = step > 0 ? c.max(c.min(at(ends), size), zero) : c.max(c.min(at(ends), last), c.scalar(-1, size));
    const most = floorDivDim(addDim(shapeOf(x)[axis] as Dim, Math.abs(step) - 1), Math.abs(step));
    return c.gather(y, places(c, start, limit, step, most), axis);
  }, x);
}

function sliceWithInputs(node: OnnxNode): Value {
  if (node.optionalInput(1) && node.optionalInput(2) && !(node.isKnown(1) && node.isKnown(2))) {
    return computedSlice(node);
  }
  const starts = node.dims(1) ?? node.refuse('no starts');
  const ends = node.dims(2) ?? node.refuse('no ends');
  return importSlice(node, starts, ends, node.constantNumbers(3), node.constantNumbers(4));
}

/** Where k depends on data, all are put in order, and the first k taken. */
function topKWithInput(node: OnnxNode): Value[] {
  if (!node.optionalInput(1) || node.isKnown(1)) return importTopK(node, node.dims(1) ?? node.refuse('no k'));
  const c = new Compose(node);
  const x = node.input(0);
  const axis = normalAxis(node.int('axis', -1), shapeOf(x).length);
  const all = shapeOf(x)[axis] as Dim;
  const k = c.reshape(c.cast(node.input(1), 'i64'), []);
  const first = places(c, c.scalar(0, k), c.min(k, sizeOf(c, x, axis)), 1, all);
  return importTopK(node, [all]).map((sorted) => c.gather(sorted, first, axis));
}

export const slicingMappings: readonly OnnxMapping[] = [
  { op: 'Slice', since: 10, build: sliceWithInputs },
  { op: 'TopK', since: 10, build: topKWithInput },
];
