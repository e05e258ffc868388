import { type AttributeValues, attr, defineOp, expressed, type OnnxWriter, tensor } from '../../src/ir/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis } from './axes.ts';
import { real, sameArray, toF64 } from './elements.ts';
import { coordinates, originalPlace, resizedShape, roundings, roundPlace } from './resizePlaces.ts';

const common = {
  /** The result's shape. */
  sizes: attr.dims(),
  /** Result size over operand size for each axis, where that is not their exact quotient. */
  scales: attr.floats.optional(),
  coordinates: attr.oneOf(coordinates, 'half_pixel'),
};
const nearestAttributes = { ...common, rounding: attr.oneOf(roundings, 'round_prefer_floor') };

type Common = AttributeValues<typeof common>;

function placesOf(x: HostTensor, axis: number, { sizes, scales, coordinates: mode }: Common): Float64Array {
  const [size, out] = [x.shape[axis] as number, sizes[axis] as number];
  const scale = scales?.[axis] ?? out / size;
  return Float64Array.from({ length: out }, (_, i) => originalPlace(i, size, out, scale, mode));
}

/** A size may stay while its scale says otherwise: 7 · 1.1 is cut to 7. */
const isSame = ({ scales }: Common, axis: number) => (scales?.[axis] ?? 1) === 1;

const inside = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1);

export const resizeNearest = defineOp({
  name: 'nn.resize_nearest',
  summary: 'Each element is the nearest one of x on every axis.',
  operands: { x: 'required' },
  attributes: nearestAttributes,
  typing: 'moves',
  infer({ x }, { sizes }) {
    const shape = resizedShape(x, sizes);
    return tensor(
      shape,
      moveQuantAxis(x, (axis) => (shape[axis] === x.shape[axis] ? axis : undefined)),
      x.layout,
    );
  },
  evaluate({ x }, attributes): HostTensor {
    let y = x;
    attributes.sizes.forEach((out, axis) => {
      const size = y.shape[axis] as number;
      if (out === size && isSame(attributes, axis)) return;
      const sources = placesOf(x, axis, attributes).map((place) =>
        inside(roundPlace(place, attributes.rounding), size),
      );
      y = takeAlong(y, axis, sources);
    });
    return y;
  },
  lower: { kind: 'template', template: 'resize' },
  toOnnx: (writer, { x }, attributes) => writeResize(writer, x, attributes, 'nearest', attributes.rounding),
});

function writeResize(
  writer: OnnxWriter,
  x: string,
  { sizes, scales, coordinates: mode }: Common,
  kind: 'nearest' | 'linear',
  rounding: string,
): string {
  const to = scales
    ? [undefined, writer.constant({ dtype: 'f32', shape: [scales.length], data: Float32Array.from(scales) })]
    : [undefined, undefined, writer.ints(writer.sizes(sizes))];
  const string = { mode: kind, coordinate_transformation_mode: mode, nearest_mode: rounding };
  return writer.node('Resize', [x, ...to], { string });
}

function takeAlong(x: HostTensor, axis: number, sources: Float64Array): HostTensor {
  const size = x.shape[axis] as number;
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  const shape = x.shape.with(axis, sources.length);
  const data = sameArray(x, elementCount(shape)) as Float64Array;
  for (let o = 0; o < outer; o++) {
    sources.forEach((source, i) => {
      const from = (o * size + source) * inner;
      data.set((x.data as Float64Array).subarray(from, from + inner), (o * sources.length + i) * inner);
    });
  }
  return { dtype: x.dtype, shape, data };
}

export const resizeLinear = defineOp({
  name: 'nn.resize_linear',
  summary: 'Linear interpolation between the two neighbours on every axis.',
  operands: { x: 'required' },
  attributes: common,
  infer: ({ x }, { sizes }) => tensor(resizedShape(x, sizes), expressed(x.element), x.layout),
  evaluate({ x }, attributes) {
    let y = real(x.shape, toF64(x));
    attributes.sizes.forEach((out, axis) => {
      if (out !== y.shape[axis] || !isSame(attributes, axis))
        y = interpolateAlong(y, axis, placesOf(x, axis, attributes));
    });
    return y;
  },
  lower: { kind: 'template', template: 'resize' },
  toOnnx: (writer, { x }, attributes) => writeResize(writer, x, attributes, 'linear', 'round_prefer_floor'),
});

function interpolateAlong(x: HostTensor, axis: number, places: Float64Array): HostTensor {
  const size = x.shape[axis] as number;
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  const shape = x.shape.with(axis, places.length);
  const from = x.data as Float64Array;
  const data = new Float64Array(elementCount(shape));
  for (let o = 0; o < outer; o++) {
    places.forEach((place, i) => {
      const low = Math.floor(place);
      const share = place - low;
      const a = (o * size + inside(low, size)) * inner;
      const b = (o * size + inside(low + 1, size)) * inner;
      const to = (o * places.length + i) * inner;
      for (let k = 0; k < inner; k++) {
        data[to + k] = (from[a + k] as number) * (1 - share) + (from[b + k] as number) * share;
      }
    });
  }
  return real(shape, data);
}
