import { type Compose, elementOf, type OpMaker } from '../../../dialects/nn/composed/compose.ts';
import { axisTaps, integerBounds, type Resampling, resample } from '../../../dialects/nn/resample.ts';
import { abs, ceil, floor, round } from '../../../dialects/nn/unary.ts';
import type { Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import type { DType } from '../../../src/support/tensor.ts';
import { shapeOf } from './axes.ts';
import { composing } from './composing.ts';

type Composing = Compose<OpMaker>;

/** Where the elements of a resized axis lie: start·(size − 1) + step·(end − start)·(size − 1), as a column. */
function placesIn(c: Composing, roi: Value, axis: number, size: number, a: Resampling): Value {
  const out = a.sizes[axis] as number;
  const rank = a.sizes.length;
  const length = (a.scales?.[axis] ?? out / size) * size;
  const bound = (at: number) => c.reshape(c.slice(roi, 0, at, 1), [1, 1]);
  const [start, end] = [bound(axis), bound(axis + rank)];
  const steps = Array.from({ length: out }, (_, i) => (length === 1 ? 0.5 : i / (length - 1)) * (size - 1));
  const moved = c.mul(c.sub(end, start), c.numbers(steps, [out, 1], roi));
  return c.add(c.mul(start, c.scalar(size - 1, roi)), moved);
}

/** Keys' cubic convolution (1981) of distances. */
function cubic(c: Composing, x: Value, a: number): Value {
  const horner = (factors: readonly number[]) =>
    factors.map((factor) => c.scalar(factor, x)).reduce((sum, factor) => c.add(c.mul(sum, x), factor));
  const outer = c.where(c.less(x, c.scalar(2, x)), horner([a, -5 * a, 8 * a, -4 * a]), c.scalar(0, x));
  return c.where(c.lessOrEqual(x, c.scalar(1, x)), horner([a + 2, -(a + 3), 0, 1]), outer);
}

/** The matrix [out, size] of weights for places that are computed. */
function weightsAt(c: Composing, places: Value, size: number, scale: number, a: Resampling): Value {
  const line = (from: number, length: number) =>
    c.numbers(
      Array.from({ length }, (_, i) => from + i),
      [1, length],
      places,
    );
  if (a.mode === 'nearest') {
    const half = c.scalar(0.5, places);
    const rounded = {
      floor: () => c.apply(floor, places),
      ceil: () => c.apply(ceil, places),
      round_prefer_floor: () => c.apply(ceil, c.sub(places, half)),
      round_prefer_ceil: () => c.apply(floor, c.add(places, half)),
    }[a.rounding]();
    const inside = c.min(c.max(rounded, c.scalar(0, places)), c.scalar(size - 1, places));
    return c.cast(c.equal(inside, line(0, size)), 'f32');
  }
  const shrink = a.antialias ? Math.min(scale, 1) : 1;
  const beyond = a.exclude_outside ? 0 : Math.ceil((a.mode === 'cubic' ? 2 : 1) / shrink);
  const all = size + 2 * beyond;
  const distances = c.mul(c.apply(abs, c.sub(line(-beyond, all), places)), c.scalar(shrink, places));
  const filtered =
    a.mode === 'cubic'
      ? cubic(c, distances, a.cubic_coefficient)
      : c.max(c.sub(c.scalar(1, places), distances), c.scalar(0, places));
  const total = c.sum(filtered, [1]);
  const zero = c.scalar(0, places);
  const divisor = c.where(c.equal(total, zero), c.scalar(1, places), total);
  const weights = a.antialias || a.exclude_outside ? c.div(filtered, divisor) : filtered;
  if (beyond === 0) return weights;
  // what lies outside counts as the edge
  const edges = new Float64Array(all * size);
  for (let i = 0; i < all; i++) edges[i * size + Math.min(Math.max(i - beyond, 0), size - 1)] = 1;
  return c.matmul(weights, c.numbers(edges, [all, size], places));
}

/** The matrix [size, out] of weights that are known. */
function knownWeights(c: Composing, size: number, axis: number, a: Resampling, like: Value): Value {
  const out = a.sizes[axis] as number;
  const matrix = new Float64Array(size * out);
  axisTaps(size, axis, a).forEach((tap, i) => {
    tap?.indices.forEach((index, t) => {
      const at = index * out + i;
      matrix[at] = (matrix[at] as number) + (tap.weights[t] as number);
    });
  });
  return c.numbers(matrix, [size, out], like);
}

export const resampleRules = [
  // resample(x) == x · weights along each axis; the weights of a region that is an input are computed
  rule('resample-as-matmul', op(resample), ({ root }, rewriter) => {
    const c = composing(rewriter, root);
    const { x, roi } = resample.operandsOf(root);
    const a = resample.attributesOf(root);
    const element = elementOf(x);
    const rank = shapeOf(x).length;
    const crops = a.coordinates === 'tf_crop_and_resize';
    const region = crops ? (roi ?? c.constant(wholeRegion(rank))) : undefined;
    let y = c.cast(x, 'f32');
    for (let axis = 0; axis < rank; axis++) {
      const [size, out] = [shapeOf(x)[axis] as number, a.sizes[axis] as number];
      const scale = a.scales?.[axis] ?? out / size;
      if (!region && size === out && Math.abs(scale - 1) < 1e-9) continue;
      const swap = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
      const rows = c.transpose(y, swap);
      const places = region && placesIn(c, region, axis, size, a);
      const weights = places
        ? c.transpose(weightsAt(c, places, size, scale, a), [1, 0])
        : knownWeights(c, size, axis, a, y);
      let resized = c.matmul(rows, weights);
      if (places) {
        const line = c.reshape(places, [out]);
        const last = c.scalar(size - 1, line);
        const kept = c.and(c.lessOrEqual(c.scalar(0, line), line), c.lessOrEqual(line, last));
        resized = c.where(kept, resized, c.scalar(a.extrapolation, resized));
      }
      y = c.transpose(resized, swap);
    }
    if (element === 'f32') return y;
    const [low, high] = integerBounds(element as DType);
    const rounded = c.min(c.max(c.apply(round, y), c.scalar(low, y)), c.scalar(high, y));
    return c.cast(rounded, element);
  }),
];

const wholeRegion = (rank: number) => ({
  dtype: 'f32' as const,
  shape: [2 * rank],
  data: Float32Array.from({ length: 2 * rank }, (_, i) => (i < rank ? 0 : 1)),
});
