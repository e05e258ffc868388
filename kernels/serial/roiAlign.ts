import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { everywhere, foldOver } from './nest.ts';
import { placeOf } from './places.ts';

/** A sample between two indices of an axis, and whether it lies on the picture. */
interface Sample {
  readonly low: Value;
  readonly high: Value;
  readonly share: Value;
  readonly inside: Value;
}

/** The samples of the cells of one region along an axis. */
interface Cells {
  /** Samples in a cell. */
  readonly count: Value;
  readonly sample: (cell: Value, i: Value) => Sample;
}

interface Axis {
  readonly start: Value;
  readonly end: Value;
  readonly cells: number;
  readonly size: number;
}

function cellsAlong(k: KernelBuilder, { start, end, cells, size }: Axis, samples: number, halfPixel: boolean): Cells {
  const f = (value: number) => k.constant(value, 'f32');
  const length = k.sub(end, start);
  // without half pixels, an ill-formed region counts as one pixel
  const cell = k.div(halfPixel ? length : k.max(length, f(1)), f(cells));
  const count = samples > 0 ? k.index(samples) : k.max(k.convert(k.ceil(cell), 'index'), k.index(0));
  const step = k.div(cell, k.convert(count, 'f32'));
  return {
    count,
    sample(c, i) {
      const begin = k.add(start, k.mul(k.convert(c, 'f32'), cell));
      const at = k.add(begin, k.mul(k.add(k.convert(i, 'f32'), f(0.5)), step));
      const inside = k.and(k.cmp('ge', at, f(-1)), k.cmp('le', at, f(size)));
      const place = k.max(at, f(0));
      const low = k.min(k.convert(place, 'index'), k.index(size - 1));
      const high = k.min(k.add(low, k.index(1)), k.index(size - 1));
      const share = k.select(k.cmp('lt', low, k.index(size - 1)), k.sub(place, k.convert(low, 'f32')), f(0));
      return { low, high, share, inside };
    },
  };
}

/** Each region resized: bilinear samples, of which every cell takes the mean or the largest. */
export function roiAlign({ root }: Cluster, context: KernelContext): KernelPlan {
  const [x, rois, batch] = root.operands as [Value, Value, Value];
  const [batches, channels, rows, columns] = staticShape(tensorType(x)) as [number, number, number, number];
  const [regions, , height, width] = staticShape(tensorType(root.result)) as [number, number, number, number];
  const {
    samples = 0,
    scale = 1,
    half_pixel = true,
    mode = 'avg',
  } = root.attributes as {
    samples?: number;
    scale?: number;
    half_pixel?: boolean;
    mode?: string;
  };

  const build = (k: KernelBuilder): void => {
    const [input, boxes, images] = [
      context.input(k, 'x', x),
      context.input(k, 'rois', rois),
      context.input(k, 'batch', batch),
    ];
    const y = context.output(k, root.result);
    const f = (value: number) => k.constant(value, 'f32');
    k.loop(0, regions, 1, (r) => {
      const side = (i: number) => {
        const scaled = k.mul(k.load(boxes, k.scaled(r, 4, i)), f(scale));
        return half_pixel ? k.sub(scaled, f(0.5)) : scaled;
      };
      const image = placeOf(k, k.load(images, r), batches);
      const vertical = cellsAlong(k, { start: side(1), end: side(3), cells: height, size: rows }, samples, half_pixel);
      const horizontal = cellsAlong(
        k,
        { start: side(0), end: side(2), cells: width, size: columns },
        samples,
        half_pixel,
      );
      everywhere(k, [channels, height, width], ([c, row, column]) => {
        const plane = k.scaled(k.add(k.scaled(image, channels), c as Value), rows * columns);
        /** The four weighted corners of a sample; zeros outside. */
        const corners = (v: Sample, h: Sample): Value[] => {
          const inside = k.and(v.inside, h.inside);
          const sides = ({ low, high, share }: Sample) => [[low, k.sub(f(1), share)] as const, [high, share] as const];
          return sides(v).flatMap(([i, p]) =>
            sides(h).map(([j, q]) => {
              const pixel = k.load(input, k.add(plane, k.add(k.scaled(i, columns), j)));
              return k.select(inside, k.mul(k.mul(p, q), pixel), f(0));
            }),
          );
        };
        const start = [f(mode === 'max' ? -Infinity : 0)];
        const join = (a: Value, b: Value) => (mode === 'max' ? k.max(a, b) : k.add(a, b));
        const [joined] = foldOver(k, [vertical.count, horizontal.count], start, ([i, j], [sofar]) => [
          corners(vertical.sample(row as Value, i as Value), horizontal.sample(column as Value, j as Value)).reduce(
            join,
            sofar as Value,
          ),
        ]);
        const number = k.mul(vertical.count, horizontal.count);
        const result = mode === 'max' ? (joined as Value) : k.div(joined as Value, k.convert(number, 'f32'));
        const to = k.add(
          k.scaled(k.add(k.scaled(r, channels), c as Value), height * width),
          k.add(k.scaled(row as Value, width), column as Value),
        );
        k.store(k.select(k.cmp('gt', number, k.index(0)), result, f(0)), y, to);
      });
    });
  };
  return { operands: [x, rois, batch], variants: [{ feature: undefined, build }] };
}
