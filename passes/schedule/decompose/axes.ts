import { expand } from '../../../dialects/nn/expand.ts';
import { gather } from '../../../dialects/nn/gather.ts';
import { pad } from '../../../dialects/nn/pad.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import { tile } from '../../../dialects/nn/tile.ts';
import { type Rewriter, staticShape, type TensorType, type Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { createInts } from '../../constants.ts';

/** The shape of a value, all sizes known. */
export const shapeOf = (value: Value): number[] => staticShape(value.type as TensorType);

/** x with the elements `places` of one axis; x itself where they are all of its own, in order. */
export function takeAlong(rewriter: Rewriter, x: Value, axis: number, places: readonly number[], name: string): Value {
  const size = shapeOf(x)[axis] as number;
  if (places.length === size && places.every((place, i) => place === i)) return x;
  const indices = createInts(rewriter, `${name}.places${axis}`, [places.length], places);
  return rewriter.create(gather, { x, indices }, { axis }).result;
}

/** Where padded place `i` reads on an axis of `size` elements. */
function paddedPlace(i: number, size: number, mode: string): number {
  if (i >= 0 && i < size) return i;
  if (mode === 'edge') return i < 0 ? 0 : size - 1;
  return i < 0 ? -i : 2 * (size - 1) - i;
}

/** Ops that pick elements along axes, as gathers, reshapes and broadcasts. */
export const axisRules = [
  // tile(x) == reshape(expand(reshape(x, [1, d, …]), [r, d, …]))
  rule('tile-as-expand', op(tile), ({ root }, rewriter) => {
    const x = root.operand(0);
    const sizes = shapeOf(x);
    const repeats = tile.attributesOf(root).repeats as number[];
    const split = rewriter.create(reshape, { x }, { shape: sizes.flatMap((d) => [1, d]) }).result;
    const spread = sizes.flatMap((d, axis) => [repeats[axis] as number, d]);
    const repeated = rewriter.create(expand, { x: split }, { shape: spread }).result;
    return rewriter.create(reshape, { x: repeated }, { shape: shapeOf(root.result) }).result;
  }),
  // pad(x){edge or reflect} == x gathered along each axis
  rule('pad-as-gather', op(pad), ({ root }, rewriter) => {
    const { pads, mode } = pad.attributesOf(root);
    if (mode === 'constant') return undefined;
    let y = root.operand(0);
    shapeOf(root.result).forEach((out, axis) => {
      const size = shapeOf(root.operand(0))[axis] as number;
      const begin = pads[axis] as number;
      const places = Array.from({ length: out }, (_, i) => paddedPlace(i - begin, size, mode));
      y = takeAlong(rewriter, y, axis, places, root.source);
    });
    return y;
  }),
];
