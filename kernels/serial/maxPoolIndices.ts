import { staticShape, type Value } from '../../src/ir/index.ts';
import { type Cluster, perAxis, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { dot, everywhere, foldOver } from './nest.ts';
import { count, rowMajor } from './places.ts';

/** Where the largest element of each window is: the first of equals. */
export function maxPoolIndices({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const [batch, channels, ...sizes] = staticShape(tensorType(x)) as [number, number, ...number[]];
  const [, , ...out] = staticShape(tensorType(root.result));
  const { kernel, pads, column_major } = root.attributes as {
    kernel: number[];
    pads: number[];
    column_major?: boolean;
  };
  const strides = perAxis(root.attributes.strides, sizes.length);
  const dilations = perAxis(root.attributes.dilations, sizes.length);
  const [rows, outRows, plane] = [rowMajor(sizes), rowMajor(out), count(sizes)];
  // steps of the place that is written down: of the spatial axes in order, or the first one fastest
  const numbered = column_major ? rowMajor(sizes.toReversed()).reverse() : rows;
  return {
    operands: [x],
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const y = context.output(k, root.result);
          const none = k.index(-1);
          everywhere(k, [batch * channels, ...out], ([line, ...pixel]) => {
            const start = k.scaled(line as Value, plane);
            const corner = pixel.map((p, axis) => k.scaled(p, strides[axis] as number, -(pads[axis] as number)));
            const first = [k.load(input, start), none];
            const [, place] = foldOver(k, kernel, first, (cell, [best, at]) => {
              const coordinates = cell.map((c, axis) =>
                k.add(corner[axis] as Value, k.scaled(c, dilations[axis] as number)),
              );
              const inside = coordinates.map((c, axis) =>
                k.and(k.cmp('ge', c, k.index(0)), k.cmp('lt', c, k.index(sizes[axis] as number))),
              );
              const nearest = coordinates.map((c, axis) =>
                k.min(k.max(c, k.index(0)), k.index((sizes[axis] as number) - 1)),
              );
              const value = k.load(input, k.add(start, dot(k, nearest, rows)));
              const better = k.or(k.cmp('lt', at as Value, k.index(0)), k.cmp('gt', value, best as Value));
              const takes = inside.reduce((a, b) => k.and(a, b), better);
              const number = k.add(start, dot(k, nearest, numbered));
              return [k.select(takes, value, best as Value), k.select(takes, number, at as Value)];
            });
            const to = k.add(k.scaled(line as Value, count(out)), dot(k, pixel, outRows));
            k.store(k.convert(place as Value, 'i64'), y, to);
          });
        },
      },
    ],
  };
}
