import { col2im } from '../../../dialects/nn/col2im.ts';
import { shapeOf as dimsOf, elementOf } from '../../../dialects/nn/composed/compose.ts';
import { deformConv } from '../../../dialects/nn/deformConv.ts';
import { gridSample } from '../../../dialects/nn/gridSample.ts';
import { scatterNd } from '../../../dialects/nn/scatter.ts';
import { type Window, windowOutput } from '../../../dialects/nn/window.ts';
import type { Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { shapeOf } from './axes.ts';
import { composing } from './composing.ts';

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Every index of a shape, the last axis fastest. */
function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((head) => Array.from({ length: size }, (_, i) => [...head, i])),
    [[]],
  );
}

/** The pixel of an image that each element of each block is, taps first; `outside` for those beyond its edges. */
function pixelsOf(image: readonly number[], window: Window, outside: number): number[] {
  const blocks = indicesOf(windowOutput(image, window) as number[]);
  return indicesOf(window.kernel).flatMap((tap) =>
    blocks.map((block) => {
      let pixel = 0;
      for (const [axis, size] of image.entries()) {
        const moved = (block[axis] as number) * (window.strides[axis] as number) - (window.pads[axis] as number);
        const at = moved + (tap[axis] as number) * (window.dilations[axis] as number);
        if (at < 0 || at >= size) return outside;
        pixel = pixel * size + at;
      }
      return pixel;
    }),
  );
}

/** Ops on blocks of images, as sums at places and as samples. */
export const blockRules = [
  // col2im(x) == zeros with the elements of each block added at its pixels
  rule('col2im-as-scatter', op(col2im), ({ root }, rewriter) => {
    const c = composing(rewriter, root);
    const { image, ...window } = col2im.attributesOf(root);
    const [batch, depth, blocks] = shapeOf(root.operand(0)) as [number, number, number];
    const [taps, plane] = [count(window.kernel), count(image)];
    const channels = depth / taps;
    const columns = c.reshape(root.operand(0), [batch, channels, taps * blocks]);
    const operands = {
      // one more pixel takes what lies outside
      x: c.filled(0, elementOf(root.operand(0)), [plane + 1, batch, channels]),
      indices: c.reshape(c.integers(pixelsOf(image, window, plane)), [taps * blocks, 1]),
      updates: c.transpose(columns, [2, 0, 1]),
    };
    const added = rewriter.create(scatterNd, operands, { reduction: 'add' }).result;
    return c.reshape(c.transpose(c.slice(added, 0, 0, plane), [1, 2, 0]), dimsOf(root.result));
  }),
  // deform_conv(x, w) == w · (x sampled at the moved taps)∘mask + bias
  rule('deform-conv-as-samples', op(deformConv), ({ root }, rewriter) => {
    const c = composing(rewriter, root);
    const { x, w, offset, bias, mask } = deformConv.operandsOf(root);
    const { strides, pads, dilations, group, offset_group } = deformConv.attributesOf(root);
    const [batch, channels, ...image] = shapeOf(x) as [number, number, number, number];
    const [, outputs, ...out] = shapeOf(root.result) as [number, number, number, number];
    const kernel = shapeOf(w).slice(2);
    const [taps, planes] = [count(kernel), batch * offset_group];
    const moves = c.reshape(offset, [planes, taps, 2, ...out]);
    /** Places along an axis as grids name them, from −1 to 1: (2·place + 1)/size − 1. */
    const along = (axis: 0 | 1): Value => {
      const size = image[axis] as number;
      const fixed = indicesOf(kernel).flatMap((tap) =>
        indicesOf(out).map((pixel) => {
          const corner = (pixel[axis] as number) * (strides[axis] as number) - (pads[axis] as number);
          return (2 * (corner + (tap[axis] as number) * (dilations[axis] as number)) + 1) / size - 1;
        }),
      );
      const moved = c.mul(c.slice(moves, 2, axis, 1), c.scalar(2 / size, x));
      return c.add(moved, c.numbers(fixed, [1, taps, 1, ...out], x));
    };
    const places = c.transpose(c.concat([along(1), along(0)], 2), [0, 1, 3, 4, 2]);
    const grid = c.reshape(places, [planes, taps * (out[0] as number), out[1] as number, 2]);
    const pictures = c.reshape(x, [planes, channels / offset_group, ...image]);
    const samples = rewriter.create(gridSample, { x: pictures, grid }, {}).result;
    const weighted = mask
      ? c.mul(samples, c.reshape(mask, [planes, 1, taps * (out[0] as number), out[1] as number]))
      : samples;
    const depth = (channels / group) * taps;
    const columns = c.reshape(weighted, [batch, group, depth, count(out)]);
    const products = c.matmul(c.reshape(w, [1, group, outputs / group, depth]), columns);
    const y = c.reshape(products, [batch, outputs, ...out]);
    return bias ? c.add(y, c.reshape(bias, [outputs, 1, 1])) : y;
  }),
];
