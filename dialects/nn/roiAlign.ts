import { attr, defineOp, expressed, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { real, toF64 } from './elements.ts';
import { checkedIndex } from './gather.ts';

export const roiAlign = defineOp({
  name: 'nn.roi_align',
  summary: 'Each region of interest resized: bilinear samples, of which every cell takes the mean or the largest.',
  operands: { x: 'required', rois: 'required', batch: 'required' },
  attributes: {
    height: attr.int(1),
    width: attr.int(1),
    /** Samples in each direction of a cell; 0: as many as the cell spans. */
    samples: attr.int(0),
    scale: attr.float(1),
    half_pixel: attr.bool(true),
    mode: attr.oneOf(['avg', 'max'], 'avg'),
  },
  infer({ x, rois }, { height, width }) {
    const [regions, channels] = [rois.shape[0], x.shape[1]];
    if (x.shape.length !== 4 || rois.shape.length !== 2 || regions === undefined || channels === undefined) {
      throw new QcError({ what: `regions ${rois.key} of ${x.key}`, why: 'they are [regions, 4] and [N, C, H, W]' });
    }
    return tensor([regions, channels, height, width], expressed(x.element));
  },
  evaluate({ x, rois, batch }, a) {
    const [batches, channels, rows, columns] = x.shape as [number, number, number, number];
    const shape = [rois.shape[0] as number, channels, a.height, a.width];
    const [values, regions, images] = [toF64(x), toF64(rois), toF64(batch)];
    const cells = a.height * a.width;
    const y = new Float64Array(elementCount(shape));
    const offset = a.half_pixel ? 0.5 : 0;
    for (let r = 0; r < (shape[0] as number); r++) {
      const [left, top, right, bottom] = [0, 1, 2, 3].map((i) => (regions[r * 4 + i] as number) * a.scale - offset) as [
        number,
        number,
        number,
        number,
      ];
      const image = checkedIndex(images[r] as number, batches);
      const vertical = cellSamples(top, bottom - top, a.height, a.samples, a.half_pixel, rows);
      const horizontal = cellSamples(left, right - left, a.width, a.samples, a.half_pixel, columns);
      for (let cell = 0; cell < cells; cell++) {
        const [ys, xs] = [vertical[Math.floor(cell / a.width)] ?? [], horizontal[cell % a.width] ?? []];
        for (let c = 0; c < channels; c++) {
          const plane = values.subarray((image * channels + c) * rows * columns);
          y[(r * channels + c) * cells + cell] = combineSamples(plane, ys, xs, columns, a.mode);
        }
      }
    }
    return real(shape, y);
  },
  lower: { kind: 'template', template: 'roi_align' },
  onnx: [
    {
      op: 'RoiAlign',
      build(node): Value {
        const mode = node.string('mode', 'avg').toLowerCase();
        const fallback = node.opset < 16 ? 'output_half_pixel' : 'half_pixel';
        const coordinates = node.string('coordinate_transformation_mode', fallback).toLowerCase();
        if (mode !== 'avg' && mode !== 'max') return node.refuse(`mode '${mode}'`);
        if (coordinates !== 'half_pixel' && coordinates !== 'output_half_pixel') {
          return node.refuse(`the coordinates '${coordinates}'`);
        }
        const attributes = {
          height: node.int('output_height', 1),
          width: node.int('output_width', 1),
          samples: node.int('sampling_ratio', 0),
          scale: node.float('spatial_scale', 1),
          half_pixel: coordinates === 'half_pixel',
          mode,
        };
        const operands = { x: node.input(0), rois: node.input(1), batch: node.input(2) };
        return node.create(roiAlign, operands, attributes).result;
      },
    },
  ],
});

/** A sample between two indices of an axis; undefined: outside, it counts 0. */
type Sample = { readonly low: number; readonly high: number; readonly share: number } | undefined;

/** The samples of each cell on one axis. */
function cellSamples(
  start: number,
  length: number,
  cells: number,
  samples: number,
  halfPixel: boolean,
  size: number,
): Sample[][] {
  // Without half pixels, an ill-formed region counts as one pixel.
  const cell = (halfPixel ? length : Math.max(length, 1)) / cells;
  const count = samples > 0 ? samples : Math.max(0, Math.ceil(cell));
  return Array.from({ length: cells }, (_, c) =>
    Array.from({ length: count }, (_unused, i) => sampleAt(start + c * cell + ((i + 0.5) * cell) / count, size)),
  );
}

function sampleAt(at: number, size: number): Sample {
  if (at < -1 || at > size) return undefined;
  const place = Math.max(at, 0);
  const low = Math.trunc(place);
  return low >= size - 1 ? { low: size - 1, high: size - 1, share: 0 } : { low, high: low + 1, share: place - low };
}

function combineSamples(
  plane: Float64Array,
  ys: readonly Sample[],
  xs: readonly Sample[],
  columns: number,
  mode: 'avg' | 'max',
): number {
  let sum = 0;
  let top = -Infinity;
  for (const v of ys) {
    for (const h of xs) {
      const corners = v && h ? weighted(plane, v, h, columns) : [0];
      top = Math.max(top, ...corners);
      for (const corner of corners) sum += corner;
    }
  }
  const count = ys.length * xs.length;
  if (count === 0) return 0;
  return mode === 'max' ? top : sum / count;
}

function weighted(plane: Float64Array, v: NonNullable<Sample>, h: NonNullable<Sample>, columns: number): number[] {
  const at = (row: number, column: number) => plane[row * columns + column] as number;
  return [
    (1 - v.share) * (1 - h.share) * at(v.low, h.low),
    (1 - v.share) * h.share * at(v.low, h.high),
    v.share * (1 - h.share) * at(v.high, h.low),
    v.share * h.share * at(v.high, h.high),
  ];
}
