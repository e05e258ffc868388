import type { Dim, OnnxMapping, OnnxNode, TensorType, Value } from '../../../src/ir/index.ts';
import { normalAxis, product } from '../axes.ts';
import { dataTypeNamed } from '../cast.ts';
import { nonZero } from '../nonZero.ts';
import { rangeOf } from '../range.ts';
import { scatterElements } from '../scatter.ts';
import { Compose, elementOf, shapeOf, tensorOf } from './compose.ts';

/** A cell is on where its place on the new axis is the index. */
function oneHot(node: OnnxNode): Value {
  const c = new Compose(node);
  const [indices, depth, values] = [node.input(0), node.input(1), node.input(2)];
  const rank = shapeOf(indices).length;
  const axis = normalAxis(node.int('axis', -1), rank + 1);
  if (shapeOf(values).length !== 1) return node.refuse(`values of the shape [${shapeOf(values).join(', ')}]`);
  const count = c.reshape(c.cast(depth, 'i64'), []);
  const places = node.constant(1)
    ? c.count(Number(node.constant(1)?.data[0]))
    : node.create(
        rangeOf,
        { start: c.scalar(0, count), limit: count, step: c.scalar(1, count) },
        { count: [node.freshDim('depth')] },
      ).result;
  const spread = c.reshape(places, new Array<Dim>(rank + 1).fill(1).with(axis, shapeOf(places)[0] as Dim));
  const given = c.cast(indices, 'i64');
  const positive = c.where(c.less(given, c.scalar(0, given)), c.add(given, count), given);
  const cells = c.equal(c.reshape(positive, shapeOf(indices).toSpliced(axis, 0, 1)), spread);
  const value = (i: number) => c.reshape(c.slice(values, 0, i, 1), []);
  return c.where(cells, value(1), value(0));
}

function eyeLike(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const [rows, columns] = shapeOf(x);
  if (rows === undefined || columns === undefined || shapeOf(x).length !== 2) {
    return node.refuse(`an input of rank ${shapeOf(x).length}`, 'it must be a matrix');
  }
  const named = node.hasAttribute('dtype') ? dataTypeNamed(node.int('dtype')) : elementOf(x);
  const to = named ?? node.refuse('elements that are no numbers');
  const shifted = c.add(c.count(rows, 'i64', 2, 0), c.integers([node.int('k', 0)]));
  return c.cast(c.equal(shifted, c.count(columns, 'i64', 2, 1)), to);
}

/** 1 at the first largest element along an axis. */
function hardmax(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const shape = shapeOf(x);
  const axis = normalAxis(node.int('axis', node.opset < 13 ? 1 : -1), shape.length);
  const along = (y: Value, at: number) =>
    c.cast(c.equal(c.argMax(y, at), c.count(shapeOf(y)[at] as Dim, 'i64', shapeOf(y).length, at)), elementOf(x));
  if (node.opset >= 13) return along(x, axis);
  // Before version 13 the axes from `axis` on count as one.
  const flat = c.reshape(x, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
  return c.reshape(along(flat, 1), shape);
}

/** The slices along an axis where the condition holds. */
function compress(node: OnnxNode): Value {
  const c = new Compose(node);
  const [x, condition] = [node.input(0), node.input(1)];
  const [flat, axis] = node.hasAttribute('axis')
    ? [x, normalAxis(node.int('axis'), shapeOf(x).length)]
    : [c.reshape(x, [product(shapeOf(x))]), 0];
  const most = shapeOf(condition)[0] as Dim;
  const places = node.create(nonZero, { x: condition }, { count: [node.freshDim('count', most)], most: [most] }).result;
  return c.gather(flat, c.reshape(places, [shapeOf(places)[1] as Dim]), axis);
}

/** New entries of a cache, from its write index on; with `circular`, over the end. */
function tensorScatter(node: OnnxNode): Value {
  const c = new Compose(node);
  const [cache, update, given] = [node.input(0), node.input(1), node.optionalInput(2)];
  const rank = shapeOf(cache).length;
  const axis = normalAxis(node.int('axis', -2), rank);
  const mode = node.string('mode', 'linear');
  if (mode !== 'linear' && mode !== 'circular') return node.refuse(`mode '${mode}'`);
  const spread = new Array<Dim>(rank).fill(1).with(0, shapeOf(cache)[0] as Dim);
  const start = given ? c.reshape(c.cast(given, 'i64'), spread) : c.filled(0, 'i64', spread);
  const places = c.add(start, c.count(shapeOf(update)[axis] as Dim, 'i64', rank, axis));
  const size = c.size(cache, axis);
  const wrapped = mode === 'linear' ? places : c.where(c.less(places, size), places, c.sub(places, size));
  const indices = c.expand(wrapped, shapeOf(update));
  return node.create(scatterElements, { x: cache, indices, updates: update }, { axis }).result;
}

/** Each element back where a pooling took it from; the rest is 0. */
function maxUnpool(node: OnnxNode): Value {
  const c = new Compose(node);
  const [x, indices] = [node.input(0), node.input(1)];
  const shape = (x.type as TensorType).shape;
  if (!shape.every((dim) => typeof dim === 'number')) return node.refuse('an input whose shape is not known');
  const kernel = node.ints('kernel_shape');
  const strides = node.ints(
    'strides',
    kernel.map(() => 1),
  );
  const pads = node.ints('pads', [...kernel, ...kernel].fill(0));
  const spatial = kernel.map((size, i) => {
    const span = ((shape[i + 2] as number) - 1) * (strides[i] as number) + size;
    return span - (pads[i] as number) - (pads[i + kernel.length] as number);
  });
  const pooled = [...(shape.slice(0, 2) as number[]), ...spatial];
  const total = pooled.reduce((n, dim) => n * dim, 1);
  const count = [product(shape)];
  const updates = c.reshape(x, count);
  const zeros = c.filled(0, elementOf(x), [total]);
  const operands = { x: zeros, indices: c.reshape(indices, count), updates };
  const y = c.reshape(node.create(scatterElements, operands, { axis: 0 }).result, pooled);
  const wanted = node.constantNumbers(2);
  if (!wanted) return y;
  return wanted.reduce((value, size, axis) => c.pad(value, axis, 0, size - (pooled[axis] as number)), y);
}

/** Whether each tensor is there: all are. */
function optionalHasElement(node: OnnxNode): Value {
  const there = node.optionalInput(0) !== undefined;
  return new Compose(node).constant(tensorOf('i1', [], [there ? 1 : 0]));
}

export const indexingMappings: readonly OnnxMapping[] = [
  { op: 'OneHot', program: 'yes; a depth that is no constant needs bounds', build: oneHot },
  { op: 'EyeLike', build: eyeLike },
  { op: 'Hardmax', build: hardmax },
  { op: 'Compress', build: compress },
  { op: 'TensorScatter', build: tensorScatter },
  { op: 'MaxUnpool', build: maxUnpool },
  { op: 'OptionalHasElement', build: optionalHasElement },
  { op: 'OptionalGetElement', build: (node): Value => node.input(0) },
];
