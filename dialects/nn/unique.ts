import { attr, type Dim, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { elementCount, type HostTensor, type TypedArray } from '../../src/support/tensor.ts';
import { normalAxis, product } from './axes.ts';

export const unique = defineOp({
  name: 'nn.unique',
  summary:
    'The different elements (or slices along an axis), where each is first, which of them each element is, and how often each occurs.',
  operands: { x: 'required' },
  attributes: {
    axis: attr.int.optional(),
    sorted: attr.bool(true),
    /** How many there are: a symbol that the data decides. */
    count: attr.dims(),
    /** The most that there can be. */
    most: attr.dims([]),
  },
  results: ['values', 'first', 'inverse', 'counts'],
  typing: 'moves',
  dataDependent: true,
  infer({ x }, { axis, count }) {
    const kinds = count[0] as Dim;
    const shape = axis === undefined ? [kinds] : x.shape.with(normalAxis(axis, x.shape.length), kinds);
    const length = axis === undefined ? product(x.shape) : (x.shape.at(axis) as Dim);
    return [tensor(shape, x.element), tensor([kinds], 'i64'), tensor([length], 'i64'), tensor([kinds], 'i64')];
  },
  evaluate({ x }, { axis, sorted }): HostTensor[] {
    const at = axis === undefined ? undefined : normalAxis(axis, x.shape.length);
    const slices = slicesOf(x, at);
    const order = slices
      .map((_, i) => i)
      .sort((a, b) => compare(slices[a] as TypedArray, slices[b] as TypedArray) || a - b);
    // Equal slices lie side by side in the order, the first of each kind before the others.
    let kinds: number[][] = [];
    for (const i of order) {
      const last = kinds.at(-1);
      const same = last && compare(slices[last[0] as number] as TypedArray, slices[i] as TypedArray) === 0;
      if (same) last.push(i);
      else kinds.push([i]);
    }
    if (!sorted) kinds = kinds.sort((a, b) => (a[0] as number) - (b[0] as number));
    const inverse = new BigInt64Array(slices.length);
    kinds.forEach((members, kind) => {
      for (const i of members) inverse[i] = BigInt(kind);
    });
    const first = kinds.map(([i]) => i as number);
    return [
      assemble(x, at, first),
      integers(first),
      { dtype: 'i64', shape: [inverse.length], data: inverse },
      integers(kinds.map((members) => members.length)),
    ];
  },
  lower: { kind: 'template', template: 'unique' },
  onnx: [
    {
      op: 'Unique',
      build(node): Value[] {
        const x = node.input(0);
        const { shape } = x.type as TensorType;
        const axis = node.hasAttribute('axis') ? normalAxis(node.int('axis'), shape.length) : undefined;
        const max = axis === undefined ? product(shape) : (shape[axis] as Dim);
        const count = [node.freshDim('count', max)];
        const attributes = { axis, sorted: node.int('sorted', 1) !== 0, count, most: [max] };
        return [...node.create(unique, { x }, attributes).results];
      },
    },
  ],
});

const integers = (values: readonly number[]): HostTensor => ({
  dtype: 'i64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** The elements, or the slices along an axis, each as a flat array. */
function slicesOf(x: HostTensor, axis: number | undefined): TypedArray[] {
  const data = x.data as Float64Array;
  if (axis === undefined) return Array.from(data, (_, i) => data.subarray(i, i + 1));
  const [size, inner] = [x.shape[axis] as number, elementCount(x.shape.slice(axis + 1))];
  const outer = elementCount(x.shape.slice(0, axis));
  return Array.from({ length: size }, (_, i) => {
    const slice = data.slice(0, outer * inner);
    for (let o = 0; o < outer; o++) {
      const from = (o * size + i) * inner;
      slice.set(data.subarray(from, from + inner), o * inner);
    }
    return slice;
  });
}

function compare(a: TypedArray, b: TypedArray): number {
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i] as number, b[i] as number];
    if (p !== q) return p < q ? -1 : p > q ? 1 : Number(Number.isNaN(p)) - Number(Number.isNaN(q));
  }
  return 0;
}

function assemble(x: HostTensor, axis: number | undefined, picked: readonly number[]): HostTensor {
  const data = x.data as Float64Array;
  const [size, inner] =
    axis === undefined ? [data.length, 1] : [x.shape[axis] as number, elementCount(x.shape.slice(axis + 1))];
  const outer = axis === undefined ? 1 : elementCount(x.shape.slice(0, axis));
  const shape = axis === undefined ? [picked.length] : x.shape.with(axis, picked.length);
  const to = data.slice(0, elementCount(shape));
  for (let o = 0; o < outer; o++) {
    picked.forEach((i, k) => {
      const from = (o * size + i) * inner;
      to.set(data.subarray(from, from + inner), (o * picked.length + k) * inner);
    });
  }
  return { dtype: x.dtype, shape, data: to };
}
