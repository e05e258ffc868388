import { add, div, max, min, mul, sub } from '../../dialects/nn/binary.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { equal } from '../../dialects/nn/compare.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { expand } from '../../dialects/nn/expand.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { reduceProd } from '../../dialects/nn/reduce.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { shapeOf } from '../../dialects/nn/shape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { ceil, floor, neg } from '../../dialects/nn/unary.ts';
import { where } from '../../dialects/nn/where.ts';
import {
  addDim,
  type Dim,
  floorDivDim,
  maxDim,
  minDim,
  mulDim,
  type Op,
  type OpDefinition,
  subDim,
  type TensorType,
  type Value,
} from '../ir/index.ts';

/** Longest tensor whose elements are followed. */
const longest = 1024;

type Elements = readonly Dim[];

/**
 * What tensors of whole numbers hold as far as shapes tell it: the elements, in order, as dimensions. So the target of a
 * Reshape may be computed from symbolic shapes.
 */
export class ShapeValues {
  readonly #known = new Map<Value, Elements | undefined>();

  /** Makes an argument of a region known to hold what a value outside holds. */
  alias(argument: Value, outer: Value): void {
    this.#known.set(argument, this.of(outer));
  }

  /** The elements of a value of whole numbers, or undefined when they depend on data. */
  of(value: Value): Elements | undefined {
    if (this.#known.has(value)) return this.#known.get(value);
    const elements = isFollowed(value) ? this.#compute(value.op as Op) : undefined;
    this.#known.set(value, elements);
    return elements;
  }

  #compute(op: Op): Elements | undefined {
    if (op.definition === constant) return constantElements(op);
    if (op.definition === shapeOf) {
      const { start, end } = shapeOf.attributesOf(op);
      return (op.operand(0).type as TensorType).shape.slice(start, end);
    }
    const rule = rules.get(op.definition);
    const operands = op.operands.map((operand) => operand && this.of(operand));
    if (!rule || operands.some((operand) => operand === undefined)) return undefined;
    const elements = rule(operands as Elements[], op);
    // Operands of as many elements may still broadcast to more: [4, 1] and [1, 4].
    return elements && isWhole(op.result, elements.length) ? elements : undefined;
  }
}

function isWhole(value: Value, length: number): boolean {
  return (value.type as TensorType).shape.reduce(mulDim, 1) === length;
}

function isFollowed(value: Value): boolean {
  const { type } = value;
  return value.op !== undefined && type.kind === 'tensor' && followed.has(String(type.element));
}

/** Some exporters compute sizes in floats: they are followed as long as they are whole. */
const followed = new Set(['i64', 'i32', 'i1', 'f32', 'f64']);

const isFloatOp = (op: Op) => String((op.result.type as TensorType).element).startsWith('f');

function constantElements(op: Op): Elements | undefined {
  const { value } = constant.attributesOf(op);
  if (value.length > longest) return undefined;
  const elements = Array.from(value.data() as unknown as Iterable<number | bigint>, Number);
  return elements.every(Number.isInteger) ? elements : undefined;
}

const rankOf = (value: Value) => (value.type as TensorType).shape.length;

/** Elementwise on operands of one length, or of length 1. */
function elementwise(operands: readonly Elements[], f: (...values: Dim[]) => Dim | undefined): Elements | undefined {
  const length = Math.max(...operands.map((o) => o.length));
  if (operands.some((o) => o.length !== length && o.length !== 1)) return undefined;
  const results = Array.from({ length }, (_, i) => f(...operands.map((o) => (o.length === 1 ? o[0] : o[i]) as Dim)));
  return results.every((v) => v !== undefined) ? results : undefined;
}

const binary = (f: (a: Dim, b: Dim) => Dim | undefined) => (operands: readonly Elements[]) =>
  elementwise(operands, (a, b) => f(a as Dim, b as Dim));

/** The quotient of integers, toward zero; of floats, where it is whole. */
function quotients(operands: readonly Elements[], op: Op): Elements | undefined {
  const isWhole = (a: Dim, b: Dim) => typeof a === 'number' && typeof b === 'number' && Number.isInteger(a / b);
  return elementwise(operands, (a, b) =>
    isFloatOp(op) && !isWhole(a as Dim, b as Dim) ? undefined : truncatedQuotient(a as Dim, b as Dim),
  );
}

function truncatedQuotient(a: Dim, b: Dim): Dim | undefined {
  if (b === 0) return undefined;
  return typeof a === 'number' && typeof b === 'number' ? Math.trunc(a / b) : floorDivDim(a, b);
}

/** A dimension is never negative, so it differs from every negative number. */
function equalDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return 1;
  if (typeof a === 'number' && typeof b === 'number') return 0;
  return (typeof a === 'number' && a < 0) || (typeof b === 'number' && b < 0) ? 0 : undefined;
}

function select(condition: Dim, a: Dim, b: Dim): Dim | undefined {
  return typeof condition === 'number' ? (condition === 0 ? b : a) : undefined;
}

function gathered([x = [], indices = []]: readonly Elements[], op: Op): Elements | undefined {
  if (rankOf(op.operand(0)) !== 1) return undefined;
  const picked = indices.map((i) => (typeof i === 'number' ? x[i < 0 ? i + x.length : i] : undefined));
  return picked.every((v) => v !== undefined) ? picked : undefined;
}

function sliced([x = []]: readonly Elements[], op: Op): Elements | undefined {
  const { starts, steps, sizes } = slice.attributesOf(op);
  const [start, step = 1, size] = [starts[0], steps[0], sizes[0]];
  if (starts.length !== 1 || typeof start !== 'number' || typeof size !== 'number') return undefined;
  const picked = Array.from({ length: size }, (_, i) => x[start + i * step]);
  return picked.every((v) => v !== undefined) ? picked : undefined;
}

function expanded([x = []]: readonly Elements[], op: Op): Elements | undefined {
  const { shape } = op.result.type as TensorType;
  const [size] = shape;
  if (shape.length !== 1 || typeof size !== 'number' || x.length !== 1) return undefined;
  if (!Number.isInteger(size) || size < 0 || size > longest) return undefined;
  return new Array<Dim>(size).fill(x[0] as Dim);
}

const rules = new Map<OpDefinition, (operands: readonly Elements[], op: Op) => Elements | undefined>([
  [add, binary(addDim)],
  [sub, binary(subDim)],
  [mul, binary(mulDim)],
  [div, quotients],
  [min, binary(minDim)],
  [max, binary(maxDim)],
  [equal, binary(equalDims)],
  [where, (operands) => elementwise(operands, (c, a, b) => select(c as Dim, a as Dim, b as Dim))],
  [floor, ([x = []]) => x],
  [ceil, ([x = []]) => x],
  [neg, ([x = []]) => x.map((v) => mulDim(v, -1))],
  [cast, ([x = []], op) => ((op.result.type as TensorType).element === 'i1' ? undefined : x)],
  [reshape, ([x = []]) => x],
  [concat, (operands, op) => (rankOf(op.result) === 1 ? operands.flat() : undefined)],
  [gather, gathered],
  [slice, sliced],
  [expand, expanded],
  [reduceProd, ([x = []], op) => (rankOf(op.operand(0)) === 1 ? [x.reduce(mulDim, 1)] : undefined)],
]);
