import {
  attr,
  type BodyBuilder,
  type Dim,
  defineOp,
  expressed,
  type Lowering,
  type OnnxMapping,
  type OnnxNode,
  type Op,
  productOf,
  type TensorType,
  type TypedOp,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { normalAxes } from './axes.ts';
import { mul } from './binary.ts';
import { fromNumbers, isReal, real, toF64 } from './elements.ts';
import { forEachRow, rowMajorStrides } from './strided.ts';
import { abs, log, sqrt } from './unary.ts';

/** The shape without the reduced axes, or with 1 in their place. */
export function reducedShape(shape: readonly Dim[], axes: readonly number[], keepdims: boolean): Dim[] {
  const reduced = new Set(normalAxes(axes, shape.length));
  return keepdims ? shape.map((dim, i) => (reduced.has(i) ? 1 : dim)) : shape.filter((_, i) => !reduced.has(i));
}

/** Combines all elements of a reduced cell from `init`, in row-major order. */
export function reduceElements(
  x: HostTensor,
  axes: readonly number[],
  init: number,
  combine: (total: number, v: number) => number,
): Float64Array {
  const kept = reducedShape(x.shape, axes, true) as number[];
  const steps = rowMajorStrides(kept).map((step, i) => (kept[i] === x.shape[i] ? step : 0));
  const values = toF64(x);
  const totals = new Float64Array(kept.reduce((n, dim) => n * dim, 1)).fill(init);
  const inner = x.shape.at(-1) ?? 1;
  const step = steps.at(-1) ?? 0;
  if (values.length === 0) return totals;
  forEachRow(x.shape, steps, 0, (row, at) => {
    for (let i = 0, cell = at; i < inner; i++, cell += step) {
      totals[cell] = combine(totals[cell] as number, values[row + i] as number);
    }
  });
  return totals;
}

const reduceAttributes = { axes: attr.ints(), keepdims: attr.bool(true) };
export type ReduceOp = TypedOp<{ readonly x: 'required' }, typeof reduceAttributes>;

interface ReduceSpec {
  readonly name: string;
  readonly summary: string;
  readonly init: number;
  readonly combine: (total: number, v: number) => number;
  /** From the total and the number of elements that went in. */
  readonly finish?: (total: number, count: number) => number;
  readonly body?: (k: BodyBuilder, total: Value, x: Value) => Value;
  readonly finishBody?: (k: BodyBuilder, total: Value, count: Value) => Value;
  readonly onnx: (op: ReduceOp) => readonly OnnxMapping[];
  /** The ONNX operator that it is written as. */
  readonly operator: string;
}

function reduction(spec: ReduceSpec): ReduceOp {
  const mappings: OnnxMapping[] = [];
  const op: ReduceOp = defineOp({
    name: `nn.${spec.name}`,
    summary: spec.summary,
    operands: { x: 'required' },
    attributes: reduceAttributes,
    infer: ({ x }, { axes, keepdims }) => tensor(reducedShape(x.shape, axes, keepdims), expressed(x.element)),
    evaluate({ x }, { axes, keepdims }) {
      const shape = reducedShape(x.shape, axes, keepdims) as number[];
      const { init, combine, finish } = spec;
      const totals = reduceElements(x, axes, init, combine);
      const count = totals.length === 0 ? 0 : x.data.length / totals.length;
      const values = finish ? totals.map((total) => finish(total, count)) : totals;
      return isReal(x.dtype) ? real(shape, values) : fromNumbers(x.dtype, shape, values);
    },
    ...(spec.body ? { lower: lowering(spec, spec.body, (o) => op.attributesOf(o).axes) } : {}),
    onnx: mappings,
    toOnnx: (writer, { x }, { axes, keepdims }) =>
      writer.node(spec.operator, [x, writer.ints(axes)], { int: { keepdims: keepdims ? 1 : 0 } }),
  });
  mappings.push(...spec.onnx(op));
  return op;
}

function lowering(
  spec: ReduceSpec,
  body: NonNullable<ReduceSpec['body']>,
  axesOf: (op: Op) => readonly number[],
): Lowering {
  const { finishBody } = spec;
  const source = (op: Op) => op.operand(0).type as TensorType;
  return {
    kind: 'reduce',
    axes: (op) => normalAxes(axesOf(op), source(op).shape.length),
    init: () => spec.init,
    accumulator: (op) => expressed(source(op).element),
    combine: (k, total, x) => body(k, total, x),
    ...(finishBody
      ? {
          finish(k: BodyBuilder, total: Value, op: Op): Value {
            const { shape } = source(op);
            const count = productOf(normalAxes(axesOf(op), shape.length).map((axis) => shape[axis] as Dim));
            return finishBody(k, total, k.size(count, 'f32', total));
          },
        }
      : {}),
  };
}

/**
 * The axes of a reduction node: an attribute, later an input; none means all, or nothing at all with
 * noop_with_empty_axes. Undefined: nothing to do.
 */
export function readAxes(node: OnnxNode, inputSince: number): number[] | undefined {
  const rank = (node.input(0).type as TensorType).shape.length;
  const given = node.opset >= inputSince ? (node.constantNumbers(1) ?? []) : [...node.ints('axes', [])];
  const noop = node.opset >= inputSince && node.int('noop_with_empty_axes', 0) !== 0;
  if (given.length > 0) return normalAxes(given, rank);
  return noop ? undefined : Array.from({ length: rank }, (_, i) => i);
}

interface Around {
  readonly before?: (node: OnnxNode, x: Value) => Value;
  readonly after?: (node: OnnxNode, y: Value) => Value;
}

function reducing(op: ReduceOp, operator: string, inputSince: number, { before, after }: Around = {}): OnnxMapping {
  return {
    op: operator,
    build(node): Value {
      const axes = readAxes(node, inputSince);
      const keepdims = node.int('keepdims', 1) !== 0;
      const x = before ? before(node, node.input(0)) : node.input(0);
      const y = axes && axes.length > 0 ? node.create(op, { x }, { axes, keepdims }).result : x;
      return after ? after(node, y) : y;
    },
  };
}

/** Over all spatial axes, which stay as 1. */
const global = (op: ReduceOp, operator: string): OnnxMapping => ({
  op: operator,
  build(node): Value {
    const x = node.input(0);
    const rank = (x.type as TensorType).shape.length;
    if (rank < 3) return node.refuse(`an input of rank ${rank}`, 'the input must have the axes [N, C, spatial…]');
    const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    return node.create(op, { x }, { axes, keepdims: true }).result;
  },
});

const square = (node: OnnxNode, x: Value) => node.create(mul, { a: x, b: x }).result;

export const reduceSum = reduction({
  name: 'reduce_sum',
  operator: 'ReduceSum',
  summary: 'The sum over the given axes.',
  init: 0,
  combine: (total, v) => total + v,
  body: (k, total, x) => k.add(total, x),
  onnx: (op) => [
    reducing(op, 'ReduceSum', 13),
    reducing(op, 'ReduceL1', 18, { before: (node, x) => node.create(abs, { x }).result }),
    reducing(op, 'ReduceL2', 18, { before: square, after: (node, x) => node.create(sqrt, { x }).result }),
    reducing(op, 'ReduceSumSquare', 18, { before: square }),
    reducing(op, 'ReduceLogSum', 18, { after: (node, x) => node.create(log, { x }).result }),
  ],
});

export const reduceMean = reduction({
  name: 'reduce_mean',
  operator: 'ReduceMean',
  summary: 'The mean over the given axes.',
  init: 0,
  combine: (total, v) => total + v,
  finish: (total, count) => total / count,
  body: (k, total, x) => k.add(total, x),
  finishBody: (k, total, count) => k.mul(total, k.div(k.constant(1, 'f32', total), count)),
  onnx: (op) => [reducing(op, 'ReduceMean', 18), global(op, 'GlobalAveragePool')],
});

export const reduceMax = reduction({
  name: 'reduce_max',
  operator: 'ReduceMax',
  summary: 'The largest element over the given axes.',
  init: -Infinity,
  combine: (total, v) => (v > total || Number.isNaN(v) ? v : total),
  body: (k, total, x) => k.max(total, x),
  onnx: (op) => [reducing(op, 'ReduceMax', 18), global(op, 'GlobalMaxPool')],
});

export const reduceMin = reduction({
  name: 'reduce_min',
  operator: 'ReduceMin',
  summary: 'The smallest element over the given axes.',
  init: Infinity,
  combine: (total, v) => (v < total || Number.isNaN(v) ? v : total),
  body: (k, total, x) => k.min(total, x),
  onnx: (op) => [reducing(op, 'ReduceMin', 18)],
});

export const reduceProd = reduction({
  name: 'reduce_prod',
  operator: 'ReduceProd',
  summary: 'The product over the given axes.',
  init: 1,
  combine: (total, v) => total * v,
  body: (k, total, x) => k.mul(total, x),
  onnx: (op) => [reducing(op, 'ReduceProd', 18)],
});

export const reduceOps = [reduceSum, reduceMean, reduceMax, reduceMin, reduceProd];
