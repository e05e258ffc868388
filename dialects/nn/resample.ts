import {
  type AttributeValues,
  attr,
  defineOp,
  expressed,
  isInteger,
  type ScalarType,
  tensor,
} from '../../src/ir/index.ts';
import { halfEven } from '../../src/numerics/index.ts';
import { type DType, elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { fromNumbers, real, toF64 } from './elements.ts';
import { coordinates, originalPlace, resizedShape, roundings, roundPlace } from './resizePlaces.ts';

// Every kind of resampling, axis by axis, each result a weighted sum of elements along the axis. What targets have
// kernels for are `resize_nearest` and `resize_linear`; other weights that are known become matrix products.

const attributes = {
  sizes: attr.dims(),
  scales: attr.floats.optional(),
  coordinates: attr.oneOf([...coordinates, 'tf_crop_and_resize'], 'half_pixel'),
  mode: attr.oneOf(['nearest', 'linear', 'cubic'], 'linear'),
  rounding: attr.oneOf(roundings, 'round_prefer_floor'),
  /** Whether the filter grows when the result is smaller. */
  antialias: attr.bool(false),
  /** Whether elements outside take no part, instead of counting as the edge. */
  exclude_outside: attr.bool(false),
  cubic_coefficient: attr.float(-0.75),
  /** What a place outside the operand becomes under `tf_crop_and_resize`. */
  extrapolation: attr.float(0),
};

export type Resampling = AttributeValues<typeof attributes>;

export const resample = defineOp({
  name: 'nn.resample',
  summary: 'x resized by weighted sums along each axis; `roi` gives the part that is taken: all starts, then all ends.',
  operands: { x: 'required', roi: 'optional' },
  attributes,
  infer: ({ x }, { sizes }) => tensor(resizedShape(x, sizes), expressed(x.element)),
  evaluate({ x, roi }, a): HostTensor {
    const region = roi && toF64(roi);
    const rank = x.shape.length;
    let y = real(x.shape, toF64(x));
    for (let axis = 0; axis < rank; axis++) {
      const bounds: [number, number] = region ? [region[axis] as number, region[axis + rank] as number] : [0, 1];
      const whole = bounds[0] === 0 && bounds[1] === 1;
      const scale = a.scales?.[axis] ?? 1;
      if (a.sizes[axis] === x.shape[axis] && whole && Math.abs(scale - 1) < 1e-9) continue;
      y = resampleAlong(y, axis, axisTaps(x.shape[axis] as number, axis, a, bounds), a.extrapolation);
    }
    if (!isInteger(x.dtype as ScalarType)) return y;
    const [low, high] = integerBounds(x.dtype);
    const rounded = (y.data as Float64Array).map((v) => Math.min(Math.max(halfEven(v), low), high));
    return fromNumbers(x.dtype, y.shape, rounded);
  },
});

/** The smallest and the largest number of an integer type. */
export function integerBounds(dtype: DType): [number, number] {
  const bits = Number(/\d+/.exec(dtype)?.[0] ?? 1);
  return dtype.startsWith('u') || dtype === 'i1' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/** What one element of the result takes from an axis; undefined: it lies outside. */
export type AxisTap = { readonly indices: readonly number[]; readonly weights: readonly number[] } | undefined;

/** The taps of every element along one axis. `roi`: start and end of the part that is taken, from 0 to 1. */
export function axisTaps(
  size: number,
  axis: number,
  a: Resampling,
  roi: readonly [number, number] = [0, 1],
): AxisTap[] {
  const out = a.sizes[axis] as number;
  const scale = a.scales?.[axis] ?? out / size;
  return Array.from({ length: out }, (_, i) => {
    if (a.coordinates !== 'tf_crop_and_resize')
      return tapAt(originalPlace(i, size, out, scale, a.coordinates), size, scale, a);
    const [start, end] = roi;
    const step = scale * size === 1 ? 0.5 : i / (scale * size - 1);
    const place = (start + step * (end - start)) * (size - 1);
    const single = ((end - start) * (size - 1)) / 2 + start * (size - 1);
    const at = scale * size === 1 ? single : place;
    return at < 0 || at > size - 1 ? undefined : tapAt(at, size, scale, a);
  });
}

function tapAt(place: number, size: number, scale: number, a: Resampling): AxisTap {
  const inside = (index: number) => Math.min(Math.max(index, 0), size - 1);
  if (a.mode === 'nearest') return { indices: [inside(roundPlace(place, a.rounding))], weights: [1] };
  const base = Math.floor(place);
  const share = place - base;
  const shrink = a.antialias ? Math.min(scale, 1) : 1;
  const first = Math.floor(-(a.mode === 'cubic' ? 2 : 1) / shrink) + 1;
  const filter =
    a.mode === 'cubic'
      ? (distance: number) => cubic(distance, a.cubic_coefficient)
      : (distance: number) => Math.max(0, 1 - Math.abs(distance));
  const indices = Array.from({ length: 2 - 2 * first }, (_, i) => base + first + i);
  let weights = indices.map((index) => filter((index - base - share) * shrink));
  if (a.exclude_outside) weights = weights.map((w, i) => (inside(indices[i] as number) === indices[i] ? w : 0));
  const total = a.antialias || a.exclude_outside ? weights.reduce((sum, w) => sum + w, 0) || 1 : 1;
  return { indices: indices.map(inside), weights: weights.map((w) => w / total) };
}

/** Keys' cubic convolution. Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** Weights of the four neighbours from base − 1 on, for a place `share` behind the base. */
export function cubicWeights(share: number, a: number): number[] {
  return [-1, 0, 1, 2].map((offset) => cubic(offset - share, a));
}

function resampleAlong(x: HostTensor, axis: number, taps: readonly AxisTap[], outside: number): HostTensor {
  const [size, inner] = [x.shape[axis] as number, elementCount(x.shape.slice(axis + 1))];
  const outer = elementCount(x.shape.slice(0, axis));
  const shape = x.shape.with(axis, taps.length);
  const from = x.data as Float64Array;
  const data = new Float64Array(elementCount(shape));
  for (let o = 0; o < outer; o++) {
    taps.forEach((tap, i) => {
      const to = (o * taps.length + i) * inner;
      if (!tap) data.fill(outside, to, to + inner);
      tap?.indices.forEach((index, t) => {
        const [weight, start] = [tap.weights[t] as number, (o * size + index) * inner];
        for (let k = 0; k < inner; k++) data[to + k] = (data[to + k] as number) + weight * (from[start + k] as number);
      });
    });
  }
  return real(shape, data);
}
