import { attr, type Dim, defineOp, expressed, tensor, type Value } from '../../src/ir/index.ts';
import { halfEven } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { fromNumbers, toF64 } from './elements.ts';
import { cubicWeights } from './resample.ts';
import { rowMajorStrides } from './strided.ts';

const modes = ['linear', 'nearest', 'cubic'] as const;
const paddings = ['zeros', 'border', 'reflection'] as const;
const oldModes: Readonly<Record<string, (typeof modes)[number]>> = { bilinear: 'linear', bicubic: 'cubic' };

interface Sampling {
  readonly mode: (typeof modes)[number];
  readonly padding: (typeof paddings)[number];
  readonly align_corners: boolean;
}

function sampledShape(x: readonly Dim[], grid: readonly Dim[]): Dim[] {
  if (x.length >= 3 && grid.length === x.length && grid.at(-1) === x.length - 2) {
    return [x[0] as Dim, x[1] as Dim, ...grid.slice(1, -1)];
  }
  throw new QcError({
    what: `a grid of [${grid.join(', ')}] on an input of [${x.join(', ')}]`,
    why: 'they are [N, C, spatial…] and [N, spatial…, coordinates]',
    help: 'export the model again',
  });
}

export const gridSample = defineOp({
  name: 'nn.grid_sample',
  summary: 'x at the places that the grid names, from −1 to 1 on each spatial axis, last axis first.',
  operands: { x: 'required', grid: 'required' },
  attributes: {
    mode: attr.oneOf(modes, 'linear'),
    padding: attr.oneOf(paddings, 'zeros'),
    align_corners: attr.bool(false),
  },
  infer: ({ x, grid }) => tensor(sampledShape(x.shape, grid.shape), expressed(x.element)),
  evaluate({ x, grid }, sampling) {
    const shape = sampledShape(x.shape, grid.shape) as number[];
    const [batches, channels] = shape as [number, number];
    const sizes = x.shape.slice(2);
    const [points, plane] = [elementCount(shape.slice(2)), elementCount(sizes)];
    const [values, coordinates] = [toF64(x), toF64(grid)];
    const y = new Float64Array(elementCount(shape));
    for (let n = 0; n < batches; n++) {
      for (let p = 0; p < points; p++) {
        const start = (n * points + p) * sizes.length;
        const place = sizes.map((size, i) =>
          denormal(coordinates[start + sizes.length - 1 - i] as number, size, sampling),
        );
        const taps = tapsAt(place, sizes, sampling);
        for (let c = 0; c < channels; c++) {
          const from = (n * channels + c) * plane;
          let sum = 0;
          for (const { offset, weight } of taps) sum += weight * (values[from + offset] as number);
          y[(n * channels + c) * points + p] = sum;
        }
      }
    }
    return fromNumbers(x.dtype, shape, y);
  },
  lower: { kind: 'template', template: 'grid_sample' },
  onnx: [
    {
      op: 'GridSample',
      build(node): Value {
        const [named, padded] = [node.string('mode', 'linear'), node.string('padding_mode', 'zeros')];
        const mode = modes.find((known) => known === (oldModes[named] ?? named)) ?? node.refuse(`mode '${named}'`);
        const padding = paddings.find((known) => known === padded) ?? node.refuse(`padding_mode '${padded}'`);
        const attributes = { mode, padding, align_corners: node.int('align_corners', 0) !== 0 };
        return node.create(gridSample, { x: node.input(0), grid: node.input(1) }, attributes).result;
      },
    },
  ],
});

/** From −1…1 to an index of an axis, folded back or clamped where the padding says so; in f32, as runtimes do. */
function denormal(v: number, size: number, { mode, padding, align_corners }: Sampling): number {
  const exact = align_corners ? ((v + 1) / 2) * (size - 1) : ((v + 1) * size - 1) / 2;
  const place = mode === 'nearest' ? halfEven(Math.fround(exact)) : Math.fround(exact);
  const [low, high] = align_corners ? [0, size - 1] : [-0.5, size - 0.5];
  // Cubic samples keep their place: each of their neighbours is folded alone, as PyTorch does.
  if ((place >= low && place <= high) || padding === 'zeros' || mode === 'cubic') return place;
  return padding === 'border' ? Math.min(Math.max(place, 0), size - 1) : reflect(place, low, high);
}

function reflect(x: number, low: number, high: number): number {
  const range = high - low;
  if (!Number.isFinite(x) || range <= 0) return low;
  const distance = x < low ? low - x : x > high ? x - high : 0;
  if (distance === 0) return x;
  const turns = Math.floor(distance / range);
  const rest = distance - turns * range;
  return x < low === (turns % 2 === 0) ? low + rest : high - rest;
}

interface Tap {
  readonly offset: number;
  readonly weight: number;
}

/** What a place takes part in: the product of the neighbours on every axis; outside neighbours count 0. */
function tapsAt(place: readonly number[], sizes: readonly number[], sampling: Sampling): Tap[] {
  const strides = rowMajorStrides(sizes);
  let taps: Tap[] = [{ offset: 0, weight: 1 }];
  place.forEach((at, axis) => {
    const size = sizes[axis] as number;
    const along = neighbours(at, sampling.mode).flatMap(({ offset: index, weight }) => {
      const inside = insideIndex(index, size, sampling);
      return inside === undefined ? [] : [{ offset: inside * (strides[axis] as number), weight }];
    });
    taps = taps.flatMap((a) => along.map((b) => ({ offset: a.offset + b.offset, weight: a.weight * b.weight })));
  });
  return taps;
}

function neighbours(at: number, mode: Sampling['mode']): Tap[] {
  if (!Number.isFinite(at)) return [];
  const base = Math.floor(at);
  const share = at - base;
  if (mode === 'nearest') return [{ offset: base, weight: 1 }];
  if (mode === 'linear')
    return [
      { offset: base, weight: 1 - share },
      { offset: base + 1, weight: share },
    ];
  return cubicWeights(share, -0.75).map((weight, i) => ({ offset: base - 1 + i, weight }));
}

function insideIndex(index: number, size: number, { padding, align_corners }: Sampling): number | undefined {
  if (index >= 0 && index < size) return index;
  if (padding === 'zeros') return undefined;
  if (padding === 'border') return Math.min(Math.max(index, 0), size - 1);
  const [low, high] = align_corners ? [0, size - 1] : [-0.5, size - 0.5];
  return Math.trunc(reflect(index, low, high));
}
