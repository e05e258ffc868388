import { type Dim, floorDivDim, type OnnxMapping, type OnnxNode, type Value } from '../../../src/ir/index.ts';
import { normalAxis } from '../axes.ts';
import { normalize } from '../layerNorm.ts';
import { avgPool } from '../pool.ts';
import { sqrt } from '../unary.ts';
import { Compose, known, shapeOf } from './compose.ts';
import { pNorm } from './pooling.ts';

/** x / ‖x‖ along an axis; 0 where the norm is 0. */
function lpNormalization(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const axis = normalAxis(node.int('axis', -1), shapeOf(x).length);
  const norm = pNorm(c, x, node.int('p', 2), (powers) => c.sum(powers, [axis]));
  const zero = c.scalar(0, x);
  return c.where(c.equal(norm, zero), zero, c.div(x, norm));
}

/** (x − mean) / √(mean of squares − mean²) over the axes. Source: the function body of the operator. */
function meanVarianceNormalization(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const rank = shapeOf(x).length;
  const axes = node.ints('axes', [0, 2, 3]).map((axis) => normalAxis(axis, rank));
  const centred = c.sub(x, c.mean(x, axes));
  const deviation = c.apply(sqrt, c.mean(c.mul(centred, centred), axes));
  return c.div(centred, c.add(deviation, c.scalar(Math.fround(1e-9), x)));
}

/** x / (bias + alpha/size · Σ x²)^beta over neighbouring channels. */
function localResponseNormalization(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const shape = shapeOf(x);
  if (shape.length < 3) return node.refuse(`an input of rank ${shape.length}`);
  const size = node.int('size');
  const [n, channels, ...spatial] = shape as [Dim, Dim, ...Dim[]];
  const rest = spatial.reduce<Dim>(
    (count, dim) =>
      typeof count === 'number' && typeof dim === 'number'
        ? count * dim
        : node.refuse('spatial sizes that are not known'),
    1,
  );
  const squares = c.reshape(c.mul(x, x), [n, 1, channels, rest]);
  const before = Math.floor((size - 1) / 2);
  const window = { kernel: [size, 1], strides: [1, 1], pads: [before, 0, size - 1 - before, 0] };
  const mean = node.create(avgPool, { x: squares }, { ...window, count_include_pad: true }).result;
  const alpha = node.float('alpha', Math.fround(1e-4));
  const base = c.add(c.mul(c.reshape(mean, shape), c.scalar(alpha, x)), c.scalar(node.float('bias', 1), x));
  return c.div(x, c.pow(base, c.scalar(node.float('beta', 0.75), x)));
}

/** Each group of channels normalized alone; scale and bias of each channel (before version 21, of each group). */
function groupNormalization(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const shape = shapeOf(x);
  const groups = node.int('num_groups');
  // The precision of the sums: evaluation is in f64, kernels in f32.
  node.int('stash_type', 1);
  const [channels] = known(node, [shape[1] as Dim], 'channels') as [number];
  if (channels % groups !== 0) return node.refuse(`${channels} channels in ${groups} groups`);
  const grouped = [shape[0] as Dim, groups, floorDivDim(channels, groups), ...shape.slice(2)];
  const epsilon = node.float('epsilon', Math.fround(1e-5));
  const parts = c.reshape(x, grouped);
  const normal = node.create(normalize, { x: parts }, { axis: 2, epsilon, center: true }).result;
  const perGroup = node.opset < 21;
  const [y, ones] = [perGroup ? normal : c.reshape(normal, shape), (perGroup ? grouped : shape).slice(2).map(() => 1)];
  const spread = (i: number) => c.reshape(node.input(i), [...shapeOf(node.input(i)), ...ones]);
  return c.reshape(c.add(c.mul(y, spread(1)), spread(2)), shape);
}

export const normalizationMappings: readonly OnnxMapping[] = [
  { op: 'LpNormalization', build: lpNormalization },
  { op: 'MeanVarianceNormalization', since: 9, build: meanVarianceNormalization },
  { op: 'LRN', build: localResponseNormalization },
  { op: 'GroupNormalization', build: groupNormalization },
];
