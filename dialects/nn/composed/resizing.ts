import { type Dim, mulDim, type OnnxMapping, type OnnxNode, type Value } from '../../../src/ir/index.ts';
import { normalAxis } from '../axes.ts';
import { isFloatValue } from '../binary.ts';
import { axisTaps, type Resampling, resample } from '../resample.ts';
import { resizeLinear, resizeNearest } from '../resize.ts';
import { coordinates, roundings } from '../resizePlaces.ts';
import { Compose, known, shapeOf } from './compose.ts';

interface Target {
  readonly axes: readonly number[];
  readonly sizes: readonly Dim[];
  readonly scales: readonly number[] | undefined;
}

/** Scales or sizes of a node, for the axes that it names. */
function readTarget(node: OnnxNode): Target {
  const shape = shapeOf(node.input(0));
  const named = node.opset >= 18 && node.hasAttribute('axes') ? node.ints('axes') : shape.map((_, i) => i);
  const axes = named.map((axis) => normalAxis(axis, shape.length));
  // Until version 10 the scales were input 1; since then it is the region of interest.
  const given = node.opset >= 9 ? node.constantNumbers(node.opset < 11 ? 1 : 2) : [...node.floats('scales')];
  const wanted = node.opset >= 11 ? node.dims(3) : undefined;
  const policy = node.string('keep_aspect_ratio_policy', 'stretch');
  const count = wanted?.length || given?.length || 0;
  if (count !== axes.length) return node.refuse(`${count} sizes for ${axes.length} axes`);
  if (wanted && wanted.length > 0) {
    if (policy !== 'stretch') return keepAspect(node, shape, axes, wanted, policy);
    const sizes = shape.map((dim, axis) => (axes.includes(axis) ? (wanted[axes.indexOf(axis)] as Dim) : dim));
    return { axes, sizes, scales: undefined };
  }
  const scales = shape.map((_, axis) => (axes.includes(axis) ? (given?.[axes.indexOf(axis)] as number) : 1));
  return { axes, sizes: shape.map((dim, axis) => scaledDim(node, dim, scales[axis] as number)), scales };
}

/** One scale for all axes: the largest that stays within the sizes, or the smallest that reaches them. */
function keepAspect(
  node: OnnxNode,
  shape: readonly Dim[],
  axes: readonly number[],
  wanted: readonly Dim[],
  policy: string,
): Target {
  const have = known(node, shape, 'an input');
  const quotients = known(node, wanted, 'sizes').map((size, i) => size / (have[axes[i] as number] as number));
  if (policy !== 'not_larger' && policy !== 'not_smaller') return node.refuse(`keep_aspect_ratio_policy '${policy}'`);
  const scale = policy === 'not_larger' ? Math.min(...quotients) : Math.max(...quotients);
  const sizes = have.map((dim, axis) => (axes.includes(axis) ? Math.floor(scale * dim + 0.5) : dim));
  return { axes, sizes, scales: have.map((_, axis) => (axes.includes(axis) ? scale : 1)) };
}

function scaledDim(node: OnnxNode, dim: Dim, scale: number): Dim {
  if (typeof dim === 'number') return Math.floor(dim * scale);
  return Number.isInteger(scale) ? mulDim(dim, scale) : node.refuse(`a scale of ${scale} on the dimension ${dim}`);
}

/** The region of interest for every axis: all starts, then all ends. */
function readRegion(c: Compose, axes: readonly number[]): Value | undefined {
  const { node } = c;
  const roi = node.opset < 11 ? undefined : node.optionalInput(1);
  const rank = shapeOf(node.input(0)).length;
  if (!roi || shapeOf(roi)[0] === 0) return undefined;
  if (axes.length === rank && axes.every((axis, i) => axis === i)) return roi;
  const places = Array.from({ length: 2 * rank }, (_, i) => {
    const at = axes.indexOf(i % rank);
    const end = i >= rank;
    return at < 0 ? 2 * axes.length + (end ? 1 : 0) : at + (end ? axes.length : 0);
  });
  return c.gather(c.concat([roi, c.numbers([0, 1], [2], roi)], 0), c.integers(places), 0);
}

function importResize(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const { axes, sizes, scales } = readTarget(node);
  const old = node.opset < 11;
  const mode = node.string('mode', 'nearest');
  const coordinate = node.string('coordinate_transformation_mode', old ? 'asymmetric' : 'half_pixel');
  const rounding = node.string('nearest_mode', old ? 'floor' : 'round_prefer_floor');
  const crop = coordinate === 'tf_crop_and_resize';
  const region = readRegion(c, axes);
  const weights = {
    antialias: node.int('antialias', 0) !== 0,
    exclude_outside: node.int('exclude_outside', 0) !== 0,
    cubic_coefficient: node.float('cubic_coeff_a', -0.75),
    extrapolation: node.float('extrapolation_value', 0),
  };
  if (!crop && !(coordinates as readonly string[]).includes(coordinate))
    return node.refuse(`the coordinates '${coordinate}'`);
  if (!(roundings as readonly string[]).includes(rounding)) return node.refuse(`nearest_mode '${rounding}'`);
  if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic') return node.refuse(`mode '${mode}'`);
  const common = { sizes, ...(scales ? { scales } : {}), coordinates: coordinate };
  if (mode === 'nearest' && !crop) return node.create(resizeNearest, { x }, { ...common, rounding }).result;
  const plain = mode === 'linear' && !crop && !weights.antialias && !weights.exclude_outside && isFloatValue(x);
  if (plain) return node.create(resizeLinear, { x }, common).result;
  const attributes = { ...common, mode, rounding, ...weights } as Resampling;
  const fixed = [...shapeOf(x), ...sizes].every((dim) => typeof dim === 'number');
  if (fixed && !crop && isFloatValue(x)) return byMatrices(c, x, attributes);
  return node.create(resample, crop ? { x, roi: region } : { x }, { ...attributes, scales }).result;
}

/** Weights that are known are a matrix for each axis. */
function byMatrices(c: Compose, x: Value, attributes: Resampling): Value {
  const rank = shapeOf(x).length;
  let y = x;
  for (let axis = rank - 1; axis >= 0; axis--) {
    const [size, out] = [shapeOf(x)[axis] as number, attributes.sizes[axis] as number];
    if (size === out && (attributes.scales?.[axis] ?? 1) === 1) continue;
    const matrix = new Float64Array(size * out);
    axisTaps(size, axis, attributes).forEach((tap, i) => {
      tap?.indices.forEach((index, t) => {
        const at = index * out + i;
        matrix[at] = (matrix[at] as number) + (tap.weights[t] as number);
      });
    });
    const swap = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
    y = c.transpose(c.matmul(c.transpose(y, swap), c.numbers(matrix, [size, out], x)), swap);
  }
  return y;
}

export const resizeMappings: readonly OnnxMapping[] = [
  { op: 'Resize', build: importResize },
  { op: 'Upsample', since: 7, until: 9, build: importResize },
];
