import {
  type AttributeValues,
  attr,
  type Dim,
  defineOp,
  expressed,
  mulDim,
  type OnnxNode,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxis } from './axes.ts';
import { real, sameArray, toF64 } from './elements.ts';

const coordinates = [
  'half_pixel',
  'asymmetric',
  'align_corners',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
] as const;
const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

const common = {
  /** The result's shape. */
  sizes: attr.dims(),
  /** Result size over operand size for each axis, where that is not their exact quotient. */
  scales: attr.floats.optional(),
  coordinates: attr.oneOf(coordinates, 'half_pixel'),
};
const nearestAttributes = { ...common, rounding: attr.oneOf(roundings, 'round_prefer_floor') };

type Common = AttributeValues<typeof common>;

function resizedShape(x: TensorType, sizes: readonly Dim[]): readonly Dim[] {
  if (sizes.length === x.shape.length) return sizes;
  throw new QcError({ what: `sizes = [${sizes.join(', ')}] on [${x.shape.join(', ')}]`, why: 'one for each axis' });
}

/** Where element i of an axis of `out` elements lies on the operand's axis of `size`. Source: ONNX Resize. */
function originalPlace(i: number, size: number, out: number, scale: number, mode: Common['coordinates']): number {
  const halfPixel = (i + 0.5) / scale - 0.5;
  if (mode === 'asymmetric') return i / scale;
  // The resized length is not rounded here, as in ONNX's reference implementation.
  if (mode === 'align_corners') return out === 1 ? 0 : (i * (size - 1)) / (scale * size - 1);
  if (mode === 'pytorch_half_pixel') return out > 1 ? halfPixel : 0;
  return mode === 'half_pixel' ? halfPixel : (size / 2) * (1 - out / (scale * size)) + halfPixel;
}

function placesOf(x: HostTensor, axis: number, { sizes, scales, coordinates: mode }: Common): Float64Array {
  const [size, out] = [x.shape[axis] as number, sizes[axis] as number];
  const scale = scales?.[axis] ?? out / size;
  return Float64Array.from({ length: out }, (_, i) => originalPlace(i, size, out, scale, mode));
}

function roundPlace(place: number, rounding: (typeof roundings)[number]): number {
  if (rounding === 'floor') return Math.floor(place);
  if (rounding === 'ceil') return Math.ceil(place);
  return rounding === 'round_prefer_floor' ? Math.ceil(place - 0.5) : Math.floor(place + 0.5);
}

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
      if (out === size) return;
      const sources = placesOf(x, axis, attributes).map((place) =>
        inside(roundPlace(place, attributes.rounding), size),
      );
      y = takeAlong(y, axis, sources);
    });
    return y;
  },
  lower: { kind: 'template', template: 'resize' },
});

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
      if (out !== y.shape[axis]) y = interpolateAlong(y, axis, placesOf(x, axis, attributes));
    });
    return y;
  },
  lower: { kind: 'template', template: 'resize' },
  onnx: [
    { op: 'Resize', build: importResize },
    { op: 'Upsample', since: 7, until: 9, build: importResize },
  ],
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

/** Scales or sizes of a node, for the axes that it names. */
function readSizes(node: OnnxNode): { sizes: Dim[]; scales: number[] | undefined } {
  const { shape } = node.input(0).type as TensorType;
  const named = node.opset >= 18 && node.hasAttribute('axes') ? node.ints('axes') : shape.map((_, i) => i);
  const axes = named.map((axis) => normalAxis(axis, shape.length));
  // Until version 10 the scales were input 1; since then it is the region of interest, which no mode here uses.
  const scalesInput = node.opset < 11 ? 1 : 2;
  if (scalesInput === 2) node.optionalInput(1);
  const given = node.opset >= 9 ? node.constantNumbers(scalesInput) : [...node.floats('scales')];
  const wanted = node.opset >= 11 ? node.dims(3) : undefined;
  const count = wanted?.length ?? given?.length ?? 0;
  if (count !== axes.length) return node.refuse(`${count} sizes for ${axes.length} axes`);
  const sizes = [...shape];
  if (wanted && wanted.length > 0) {
    axes.forEach((axis, i) => {
      sizes[axis] = wanted[i] as Dim;
    });
    return { sizes, scales: undefined };
  }
  const scales = shape.map(() => 1);
  axes.forEach((axis, i) => {
    const scale = given?.[i] as number;
    scales[axis] = scale;
    sizes[axis] = scaledDim(node, shape[axis] as Dim, scale);
  });
  return { sizes, scales };
}

function scaledDim(node: OnnxNode, dim: Dim, scale: number): Dim {
  if (typeof dim === 'number') return Math.floor(dim * scale);
  return Number.isInteger(scale) ? mulDim(dim, scale) : node.refuse(`a scale of ${scale} on the dimension ${dim}`);
}

function importResize(node: OnnxNode): Value {
  const x = node.input(0);
  const { sizes, scales } = readSizes(node);
  const mode = node.string('mode', 'nearest');
  const fallback = node.opset < 11 ? 'asymmetric' : 'half_pixel';
  const coordinate = node.string('coordinate_transformation_mode', fallback);
  const rounding = node.string('nearest_mode', node.opset < 11 ? 'floor' : 'round_prefer_floor');
  // These belong to other modes.
  node.float('cubic_coeff_a', -0.75);
  node.float('extrapolation_value', 0);
  node.int('exclude_outside', 0);
  if (node.int('antialias', 0) !== 0) return node.refuse('antialiasing');
  if (node.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') return node.refuse('keeping the aspect ratio');
  if (!(coordinates as readonly string[]).includes(coordinate)) return node.refuse(`the coordinates '${coordinate}'`);
  const attributes = { sizes, ...(scales ? { scales } : {}), coordinates: coordinate };
  if (mode === 'nearest') return node.create(resizeNearest, { x }, { ...attributes, rounding }).result;
  if (mode !== 'linear') return node.refuse(`mode '${mode}'`, 'modes nearest and linear are supported');
  return node.create(resizeLinear, { x }, attributes).result;
}
