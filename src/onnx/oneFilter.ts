import { add } from '../../dialects/nn/binary.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { expand } from '../../dialects/nn/expand.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import type { Attributes, Dim, Op, OpDefinition, TensorType, Value } from '../ir/index.ts';
import { elementCount, type HostTensor } from '../support/tensor.ts';

// A small file can ask for gigabytes of weights that are one number (ConstantOfShape). A layer of such weights has one
// filter: it computes one channel, which the others repeat.

/** Weights of fewer elements are left as they are. */
const least = 4096;

/** Constants of more elements are not looked through: an import would read them twice. Repeated numbers are small ones. */
const most = 65536;

/** What brings no other elements in. */
const moves = [expand, reshape, transpose];

type Operands = readonly (Value | undefined)[];

/** How the ops are made that take a layer's place. */
export interface Maker {
  create(definition: OpDefinition, operands: Operands, attributes: Attributes): Op;
  createConstant(value: HostTensor): Value;
}

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

/** A layer by its one filter, or undefined where its weights are no large number of equal ones. */
export function withOneFilter(
  definition: OpDefinition,
  [x, w, bias]: Operands,
  attributes: Attributes,
  maker: Maker,
): Op | undefined {
  if ((definition !== conv && definition !== matmul) || !x || !w || (w.type as TensorType).element !== 'f32') return;
  const shape = shapeOf(w);
  if (!shape.every((dim) => typeof dim === 'number') || elementCount(shape) < least) return;
  const value = oneNumber(w);
  if (value === undefined) return;
  const filter = (of: readonly number[]): Value =>
    maker.createConstant({ dtype: 'f32', shape: of, data: new Float32Array(elementCount(of)).fill(value) });
  return definition === conv
    ? oneChannel({ x, bias, shape, filter }, attributes, maker)
    : oneColumn({ x, bias, shape, filter }, attributes, maker);
}

interface Layer {
  readonly x: Value;
  readonly bias: Value | undefined;
  /** Of the weights. */
  readonly shape: readonly number[];
  readonly filter: (shape: readonly number[]) => Value;
}

// conv(x, repeat(w), b) == repeat(conv(x, w)) + b, in each group
function oneChannel({ x, bias, shape, filter }: Layer, attributes: Attributes, maker: Maker): Op | undefined {
  const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
  const groups = Number(attributes.group ?? 1);
  if (outputs <= groups || outputs % groups !== 0) return undefined;
  const y = maker.create(conv, [x, filter([groups, inputs, ...kernel])], attributes);
  const [batch, , ...size] = shapeOf(y.result) as [Dim, Dim, ...Dim[]];
  const whole = [batch, outputs, ...size];
  const repeated = groups === 1 ? y : spread(y, [batch, groups, outputs / groups, ...size], whole, maker);
  if (!bias) return groups === 1 ? maker.create(expand, [y.result], { shape: whole }) : repeated;
  const offsets = maker.create(reshape, [bias], { shape: [outputs, ...size.map(() => 1)] });
  return maker.create(add, [repeated.result, offsets.result], {});
}

/** Channels of [N, groups, …], each several times. */
function spread(y: Op, to: readonly Dim[], whole: readonly Dim[], maker: Maker): Op {
  const single = maker.create(reshape, [y.result], { shape: to.with(2, 1) });
  const repeated = maker.create(expand, [single.result], { shape: to });
  return maker.create(reshape, [repeated.result], { shape: whole });
}

// x·repeat(w) + b == repeat(x·w) + b
function oneColumn({ x, bias, shape, filter }: Layer, attributes: Attributes, maker: Maker): Op | undefined {
  const [depth, columns] = shape;
  if (shape.length !== 2 || depth === undefined || columns === undefined || columns <= 1) return undefined;
  const y = maker.create(matmul, [x, filter([depth, 1])], attributes);
  if (bias) return maker.create(add, [y.result, bias], {});
  return maker.create(expand, [y.result], { shape: shapeOf(y.result).with(-1, columns) });
}

/** The one number that all elements of a constant in memory are, perhaps after moves; undefined where there are others. */
function oneNumber({ op }: Value): number | undefined {
  if (!op) return undefined;
  if (!constant.is(op)) {
    return moves.some((move) => move.is(op)) ? oneNumber(op.operand(0)) : undefined;
  }
  const { value } = constant.attributesOf(op);
  if (value.element !== 'f32' || value.kept === 'elsewhere' || value.length === 0 || value.length > most)
    return undefined;
  const data = value.data() as Float32Array;
  return data.every((v) => v === data[0]) ? data[0] : undefined;
}
