import { add, mul } from '../../../dialects/nn/binary.ts';
import { resizeLinear, resizeNearest } from '../../../dialects/nn/resize.ts';
import { type Coordinates, originalPlace, roundPlace } from '../../../dialects/nn/resizePlaces.ts';
import type { Dim, Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { createFloats } from '../../constants.ts';
import { shapeOf, takeAlong } from './axes.ts';

interface Resizing {
  readonly sizes: readonly Dim[];
  readonly scales: readonly number[] | undefined;
  readonly coordinates: Coordinates;
}

const inside = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1);

/** Where each element of an axis lies on the operand; undefined for an axis that stays as it is. */
function placesAlong(x: Value, axis: number, { sizes, scales, coordinates }: Resizing): number[] | undefined {
  const [size, out] = [shapeOf(x)[axis] as number, sizes[axis] as number];
  if (size === out && (scales?.[axis] ?? 1) === 1) return undefined;
  const scale = scales?.[axis] ?? out / size;
  return Array.from({ length: out }, (_, i) => originalPlace(i, size, out, scale, coordinates));
}

/** Resizing with places that are known: gathers along each axis, and weighted sums of two of them. */
export const resizeRules = [
  rule('resize-nearest-as-gather', op(resizeNearest), ({ root }, rewriter) => {
    const attributes = resizeNearest.attributesOf(root);
    const x = root.operand(0);
    let y = x;
    shapeOf(x).forEach((size, axis) => {
      const places = placesAlong(x, axis, attributes);
      const sources = places?.map((place) => inside(roundPlace(place, attributes.rounding), size));
      if (sources) y = takeAlong(rewriter, y, axis, sources, root.source);
    });
    return y;
  }),
  // y = x[low]·(1 − share) + x[low + 1]·share along each axis
  rule('resize-linear-as-gather', op(resizeLinear), ({ root }, rewriter) => {
    const x = root.operand(0);
    const rank = shapeOf(x).length;
    let y = x;
    shapeOf(x).forEach((size, axis) => {
      const places = placesAlong(x, axis, resizeLinear.attributesOf(root));
      if (!places) return;
      const part = (offset: number, share: (fraction: number) => number): Value => {
        const sources = places.map((place) => inside(Math.floor(place) + offset, size));
        const weights = places.map((place) => share(place - Math.floor(place)));
        const shape = Array.from({ length: rank }, (_, a) => (a === axis ? places.length : 1));
        const factor = createFloats(rewriter, `${root.source}.shares${axis}`, shape, weights);
        return rewriter.create(mul, { a: takeAlong(rewriter, y, axis, sources, root.source), b: factor }).result;
      };
      const low = part(0, (share) => 1 - share);
      y = rewriter.create(add, { a: low, b: part(1, (share) => share) }).result;
    });
    return y;
  }),
];
