import {
  attr,
  defineOp,
  type OnnxNode,
  type TensorType,
  type TypedOp,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { normalAxis } from './axes.ts';
import { toF64 } from './elements.ts';
import { reducedShape } from './reduce.ts';

const attributes = { axis: attr.int(0), keepdims: attr.bool(true), last: attr.bool(false) };
type ArgOp = TypedOp<{ readonly x: 'required' }, typeof attributes>;

function argOp(name: string, summary: string, onnx: string, beats: (v: number, best: number) => boolean): ArgOp {
  const build = (node: OnnxNode): Value => {
    const x = node.input(0);
    const axis = normalAxis(node.int('axis', 0), (x.type as TensorType).shape.length);
    const last = node.int('select_last_index', 0) !== 0;
    return node.create(op, { x }, { axis, keepdims: node.int('keepdims', 1) !== 0, last }).result;
  };
  const op: ArgOp = defineOp({
    name: `nn.${name}`,
    summary,
    operands: { x: 'required' },
    attributes,
    infer: ({ x }, { axis, keepdims }) => tensor(reducedShape(x.shape, [axis], keepdims), 'i64'),
    evaluate({ x }, { axis, keepdims, last }): HostTensor {
      const at = normalAxis(axis, x.shape.length);
      const [size, inner] = [x.shape[at] as number, elementCount(x.shape.slice(at + 1))];
      const values = toF64(x);
      const shape = reducedShape(x.shape, [axis], keepdims) as number[];
      const data = new BigInt64Array(elementCount(shape));
      data.forEach((_, cell) => {
        const start = Math.floor(cell / inner) * size * inner + (cell % inner);
        let best = 0;
        for (let i = 1; i < size; i++) {
          const [v, top] = [values[start + i * inner] as number, values[start + best * inner] as number];
          if (beats(v, top) || (last && v === top)) best = i;
        }
        data[cell] = BigInt(best);
      });
      return { dtype: 'i64', shape, data };
    },
    lower: { kind: 'template', template: 'arg_extreme' },
    onnx: [{ op: onnx, build }],
    toOnnx: (writer, { x }, { axis, keepdims, last }) =>
      writer.node(onnx, [x], { int: { axis, keepdims: keepdims ? 1 : 0, select_last_index: last ? 1 : 0 } }),
  });
  return op;
}

export const argMax = argOp(
  'arg_max',
  'The index of the largest element along an axis.',
  'ArgMax',
  (v, best) => v > best,
);
export const argMin = argOp(
  'arg_min',
  'The index of the smallest element along an axis.',
  'ArgMin',
  (v, best) => v < best,
);
