import { attr, defineOp, expressed, type OnnxNode, type TypedOp, type Value, withElement } from '../../src/ir/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { normalAxis } from './axes.ts';
import { fromNumbers, isBig, toF64 } from './elements.ts';

const attributes = { axis: attr.int(0), exclusive: attr.bool(false), reverse: attr.bool(false) };
type CumulativeOp = TypedOp<{ readonly x: 'required' }, typeof attributes>;

interface CumulativeSpec {
  readonly name: string;
  readonly summary: string;
  readonly onnx: string;
  readonly first: 0 | 1;
  readonly combine: (total: number, v: number) => number;
  readonly combineBig: (total: bigint, v: bigint) => bigint;
}

/** Runs along one axis; with `exclusive` an element does not take part in its own result. */
function scanAxis<T>(
  from: ArrayLike<T>,
  to: { [i: number]: T },
  shape: readonly number[],
  axis: number,
  { exclusive, reverse }: { exclusive: boolean; reverse: boolean },
  first: T,
  combine: (total: T, v: T) => T,
): void {
  const [size, inner] = [shape[axis] as number, elementCount(shape.slice(axis + 1))];
  const outer = elementCount(shape.slice(0, axis));
  for (let line = 0; line < outer * inner; line++) {
    const start = Math.floor(line / inner) * size * inner + (line % inner);
    let total = first;
    for (let step = 0; step < size; step++) {
      const at = start + (reverse ? size - 1 - step : step) * inner;
      const next = combine(total, from[at] as T);
      to[at] = exclusive ? total : next;
      total = next;
    }
  }
}

function cumulative({ name, summary, onnx, first, combine, combineBig }: CumulativeSpec): CumulativeOp {
  const build = (node: OnnxNode): Value => {
    const x = node.input(0);
    const [axis] = node.constantNumbers(1) ?? node.refuse('no axis');
    const flags = { exclusive: node.int('exclusive', 0) !== 0, reverse: node.int('reverse', 0) !== 0 };
    return node.create(op, { x }, { axis: axis as number, ...flags }).result;
  };
  const op: CumulativeOp = defineOp({
    name: `nn.${name}`,
    summary,
    operands: { x: 'required' },
    attributes,
    infer({ x }, { axis }) {
      normalAxis(axis, x.shape.length);
      return withElement(x, expressed(x.element));
    },
    evaluate({ x }, a): HostTensor {
      const axis = normalAxis(a.axis, x.shape.length);
      if (isBig(x.dtype)) {
        const from = x.data as BigInt64Array;
        const data = from.slice();
        scanAxis(from, data, x.shape, axis, a, BigInt(first), combineBig);
        return { dtype: x.dtype, shape: x.shape, data };
      }
      const from = toF64(x);
      const data = new Float64Array(from.length);
      scanAxis(from, data, x.shape, axis, a, first, combine);
      return fromNumbers(x.dtype, x.shape, data);
    },
    lower: { kind: 'template', template: 'cumulative' },
    onnx: [{ op: onnx, build }],
    toOnnx: (writer, { x }, { axis, exclusive, reverse }) =>
      writer.node(onnx, [x, writer.constant({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(axis)) })], {
        int: { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 },
      }),
  });
  return op;
}

export const cumSum = cumulative({
  name: 'cum_sum',
  summary: 'y[i] = Σ x[j] for j ≤ i along an axis.',
  onnx: 'CumSum',
  first: 0,
  combine: (total, v) => total + v,
  combineBig: (total, v) => total + v,
});

export const cumProd = cumulative({
  name: 'cum_prod',
  summary: 'y[i] = Π x[j] for j ≤ i along an axis.',
  onnx: 'CumProd',
  first: 1,
  combine: (total, v) => total * v,
  combineBig: (total, v) => total * v,
});
