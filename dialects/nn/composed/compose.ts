import {
  type Attributes,
  type Dim,
  expressed,
  type OnnxNode,
  type ScalarType,
  type TensorType,
  type Value,
} from '../../../src/ir/index.ts';
import { encodeBf16, encodeF16 } from '../../../src/numerics/index.ts';
import type { DType, HostTensor } from '../../../src/support/tensor.ts';
import { argMax } from '../argMax.ts';
import { add, type BinaryOp, div, max, min, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { and, equal, less, lessOrEqual } from '../compare.ts';
import { concat } from '../concat.ts';
import { fromNumbers } from '../elements.ts';
import { expand } from '../expand.ts';
import { gather } from '../gather.ts';
import { matmul } from '../matmul.ts';
import { pad } from '../pad.ts';
import { pow } from '../power.ts';
import { range } from '../range.ts';
import { type ReduceOp, reduceMax, reduceMean, reduceSum } from '../reduce.ts';
import { reshape } from '../reshape.ts';
import { shapeOf as shapeOfOp } from '../shape.ts';
import { slice } from '../slice.ts';
import { softmax } from '../softmax.ts';
import { transpose } from '../transpose.ts';
import type { UnaryOp } from '../unary.ts';
import { where } from '../where.ts';

/** The shape of a value. */
export function shapeOf(value: Value): readonly Dim[] {
  return (value.type as TensorType).shape;
}

/** The element type that a value stands for. */
export function elementOf(value: Value): ScalarType {
  return expressed((value.type as TensorType).element);
}

/** Numbers as a tensor of any element type up to 64 bits. */
export function tensorOf(element: ScalarType, shape: readonly number[], values: ArrayLike<number>): HostTensor {
  const numbers = Float64Array.from(values);
  const dtype = element as DType;
  if (element === 'f32') return { dtype, shape, data: Float32Array.from(numbers) };
  if (element === 'f16') return { dtype, shape, data: Uint16Array.from(numbers, encodeF16) };
  if (element === 'bf16') return { dtype, shape, data: Uint16Array.from(numbers, encodeBf16) };
  return fromNumbers(dtype, shape, numbers);
}

/** Who makes the ops: a node that is imported, or a rewrite. */
export type OpMaker = Pick<OnnxNode, 'create' | 'createConstant'>;

/** Writes an operator as ops of the core, under the name of its node. */
export class Compose<Maker extends OpMaker = OnnxNode> {
  readonly node: Maker;

  constructor(node: Maker) {
    this.node = node;
  }

  #binary(op: BinaryOp | typeof add, a: Value, b: Value): Value {
    return this.node.create(op as BinaryOp, { a, b }).result;
  }

  add(a: Value, b: Value): Value {
    return this.#binary(add, a, b);
  }

  sub(a: Value, b: Value): Value {
    return this.#binary(sub, a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.#binary(mul, a, b);
  }

  div(a: Value, b: Value): Value {
    return this.#binary(div, a, b);
  }

  min(a: Value, b: Value): Value {
    return this.#binary(min, a, b);
  }

  max(a: Value, b: Value): Value {
    return this.#binary(max, a, b);
  }

  pow(a: Value, b: Value): Value {
    return this.#binary(pow, a, b);
  }

  equal(a: Value, b: Value): Value {
    return this.#binary(equal, a, b);
  }

  less(a: Value, b: Value): Value {
    return this.#binary(less, a, b);
  }

  lessOrEqual(a: Value, b: Value): Value {
    return this.#binary(lessOrEqual, a, b);
  }

  and(a: Value, b: Value): Value {
    return this.#binary(and, a, b);
  }

  matmul(a: Value, b: Value, bias?: Value): Value {
    return this.node.create(matmul, { a, b, bias }).result;
  }

  apply(op: UnaryOp, x: Value): Value {
    return this.node.create(op, { x }).result;
  }

  where(condition: Value, a: Value, b: Value): Value {
    return this.node.create(where, { condition, a, b }).result;
  }

  cast(x: Value, to: ScalarType): Value {
    return elementOf(x) === to ? x : this.node.create(cast, { x }, { to }).result;
  }

  #reduce(op: ReduceOp, x: Value, axes: readonly number[], keepdims: boolean): Value {
    return axes.length === 0 ? x : this.node.create(op, { x }, { axes, keepdims }).result;
  }

  sum(x: Value, axes: readonly number[], keepdims = true): Value {
    return this.#reduce(reduceSum, x, axes, keepdims);
  }

  mean(x: Value, axes: readonly number[], keepdims = true): Value {
    return this.#reduce(reduceMean, x, axes, keepdims);
  }

  largest(x: Value, axes: readonly number[], keepdims = true): Value {
    return this.#reduce(reduceMax, x, axes, keepdims);
  }

  argMax(x: Value, axis: number): Value {
    return this.node.create(argMax, { x }, { axis, keepdims: true }).result;
  }

  softmax(x: Value, axis: number): Value {
    return this.node.create(softmax, { x }, { axis }).result;
  }

  reshape(x: Value, shape: readonly Dim[]): Value {
    const from = shapeOf(x);
    const same = from.length === shape.length && from.every((dim, i) => dim === shape[i]);
    return same ? x : this.node.create(reshape, { x }, { shape }).result;
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((axis, i) => axis === i) ? x : this.node.create(transpose, { x }, { perm }).result;
  }

  expand(x: Value, shape: readonly Dim[]): Value {
    const from = shapeOf(x);
    const same = from.length === shape.length && from.every((dim, i) => dim === shape[i]);
    return same ? x : this.node.create(expand, { x }, { shape }).result;
  }

  /** `size` elements of one axis from `start` on. */
  slice(x: Value, axis: number, start: Dim, size: Dim, step = 1): Value {
    const shape = shapeOf(x);
    if (start === 0 && step === 1 && size === shape[axis]) return x;
    const attributes = {
      starts: shape.map((_, i): Dim => (i === axis ? start : 0)),
      steps: shape.map((_, i) => (i === axis ? step : 1)),
      sizes: shape.with(axis, size),
    };
    return this.node.create(slice, { x }, attributes).result;
  }

  concat(xs: readonly Value[], axis: number): Value {
    return xs.length === 1 ? (xs[0] as Value) : this.node.create(concat, { xs }, { axis }).result;
  }

  /** `value` before and after one axis. */
  pad(x: Value, axis: number, before: number, after: number, value = 0): Value {
    if (before === 0 && after === 0) return x;
    const rank = shapeOf(x).length;
    const pads = new Array<number>(2 * rank)
      .fill(0)
      .with(axis, before)
      .with(axis + rank, after);
    return this.node.create(pad, { x }, { pads, value }).result;
  }

  gather(x: Value, indices: Value, axis: number): Value {
    return this.node.create(gather, { x, indices }, { axis }).result;
  }

  /** 0, 1, … below `size`, spread along one axis of `rank`. */
  count(size: Dim, element: 'i64' | 'i32' | 'f32' = 'i64', rank = 1, axis = 0): Value {
    const line = this.node.create(range, {}, { start: [0], size: [size], element } as Attributes).result;
    return this.reshape(line, new Array<Dim>(rank).fill(1).with(axis, size));
  }

  constant(value: HostTensor): Value {
    return this.node.createConstant(value);
  }

  /** The size of one axis, as an i64 scalar. */
  size(x: Value, axis: number): Value {
    return this.reshape(this.node.create(shapeOfOp, { x }, { start: axis, end: axis + 1 }).result, []);
  }

  /** A number in the element type of another value. */
  scalar(value: number, like: Value): Value {
    return this.constant(tensorOf(elementOf(like), [], [value]));
  }

  integers(values: readonly number[]): Value {
    return this.constant(tensorOf('i64', [values.length], values));
  }

  /** Numbers of a shape in the element type of another value. */
  numbers(values: ArrayLike<number>, shape: readonly number[], like: Value): Value {
    return this.constant(tensorOf(elementOf(like), shape, values));
  }

  /** The same value everywhere in a shape. */
  filled(value: number, element: ScalarType, shape: readonly Dim[]): Value {
    return this.expand(this.constant(tensorOf(element, [], [value])), shape);
  }
}

/** Every dimension as a number. Refuses the node otherwise. */
export function known(node: OnnxNode, dims: readonly Dim[], what: string): number[] {
  if (dims.every((dim) => typeof dim === 'number')) return dims as number[];
  return node.refuse(`${what} of [${dims.join(', ')}] that is not known`, 'give the model fixed input sizes');
}
