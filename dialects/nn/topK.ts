import { attr, type Dim, defineOp, type OnnxNode, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxis } from './axes.ts';
import { sameArray, toF64 } from './elements.ts';

function topShape(x: readonly Dim[], axis: number, k: Dim): Dim[] {
  const size = x[axis] as Dim;
  if (typeof k === 'number' && (k < 0 || (typeof size === 'number' && k > size))) {
    throw new QcError({
      what: `the ${k} largest of an axis with ${size} elements`,
      why: 'there are not as many',
      help: 'check k and the shapes of the inputs',
    });
  }
  return x.with(axis, k);
}

export const topK = defineOp({
  name: 'nn.top_k',
  summary: 'The k largest (or smallest) elements along an axis, in order, and where they are; ties by place.',
  operands: { x: 'required' },
  attributes: { k: attr.dims(), axis: attr.int(-1), largest: attr.bool(true) },
  results: ['values', 'indices'],
  infer({ x }, { k, axis }) {
    const at = normalAxis(axis, x.shape.length);
    const shape = topShape(x.shape, at, k[0] as Dim);
    return [
      tensor(
        shape,
        moveQuantAxis(x, (a) => (a === at ? undefined : a)),
      ),
      tensor(shape, 'i64'),
    ];
  },
  evaluate({ x }, { k, axis, largest }): HostTensor[] {
    const at = normalAxis(axis, x.shape.length);
    const shape = topShape(x.shape, at, k[0] as number) as number[];
    const [size, kept, inner] = [x.shape[at] as number, shape[at] as number, elementCount(x.shape.slice(at + 1))];
    const [from, keys] = [x.data as Float64Array, orderKeys(x)];
    const values = sameArray(x, elementCount(shape)) as Float64Array;
    const indices = new BigInt64Array(values.length);
    const lines = values.length === 0 ? 0 : values.length / kept;
    for (let line = 0; line < lines; line++) {
      const [block, place] = [Math.floor(line / inner), line % inner];
      const start = block * size * inner + place;
      const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => {
        const [p, q] = [keys[start + a * inner] as number, keys[start + b * inner] as number];
        return p === q ? a - b : p > q === largest ? -1 : 1;
      });
      for (let i = 0; i < kept; i++) {
        const to = (block * kept + i) * inner + place;
        values[to] = from[start + (order[i] as number) * inner] as number;
        indices[to] = BigInt(order[i] as number);
      }
    }
    return [
      { dtype: x.dtype, shape, data: values },
      { dtype: 'i64', shape, data: indices },
    ];
  },
  lower: { kind: 'template', template: 'top_k' },
  onnx: [{ op: 'TopK', until: 9, build: (node): Value[] => importTopK(node, [node.int('k')]) }],
  toOnnx: (writer, { x }, { k, axis, largest }) =>
    writer.nodes('TopK', [x, writer.ints(writer.sizes(k))], 2, { int: { axis, largest: largest ? 1 : 0 } }),
});

/** Elements in their order: a NaN is larger than any number; 64-bit integers keep their exact order. */
function orderKeys({ data }: HostTensor): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return data as unknown as ArrayLike<number>;
  return toF64({ dtype: 'f64', shape: [], data }).map((v) => (Number.isNaN(v) ? Infinity : v));
}

/** The `k` largest or smallest elements of an ONNX node's first input, and their places. */
export function importTopK(node: OnnxNode, k: readonly Dim[]): Value[] {
  const x = node.input(0);
  const axis = normalAxis(node.int('axis', -1), (x.type as TensorType).shape.length);
  const largest = node.opset < 11 || node.int('largest', 1) !== 0;
  // Unsorted results may come in any order, the sorted one too.
  if (node.opset >= 11) node.int('sorted', 1);
  return [...node.create(topK, { x }, { k: k.slice(0, 1), axis, largest }).results];
}
