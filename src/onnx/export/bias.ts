import { constant } from '../../../dialects/nn/constant.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import {
  bitsOf,
  isInteger,
  type Op,
  type QuantParams,
  type QuantType,
  quantOf,
  quantParams,
  quantType,
  type TensorType,
  tensor,
  uniformParams,
} from '../../ir/index.ts';
import { F32_MIN_NORMAL, fitBias } from '../../numerics/index.ts';
import type { HostTensor } from '../../support/tensor.ts';

/** A bias in steps of the sums that it is added to. */
export interface BiasCodes {
  readonly type: TensorType;
  readonly codes: HostTensor;
  /** The constant that they were made of. */
  readonly source: Op;
}

/** Which operand of an op is its bias. */
export function biasIndex(op: Op): number {
  return Object.keys(op.definition.operands).indexOf('bias');
}

/**
 * The float bias of a layer whose activations and weights are integers, as integer compilers take it: codes of 32 bits
 * whose scale is the product of the scales of both. Undefined where there is none, or it does not fit.
 */
export function biasCodes(op: Op): BiasCodes | undefined {
  const bias = op.operands[biasIndex(op)];
  const [x, w] = op.operands.slice(0, 2).map((operand) => operand && quantOf(operand.type as TensorType));
  if (!bias?.op || !constant.is(bias.op) || (bias.type as TensorType).element !== 'f32' || !x || !w) return undefined;
  const input = isNarrow(x) ? uniformParams(x) : undefined;
  const weights = isNarrow(w) && (w.granularity.kind === 'axis' || uniformParams(w)) ? w.params : undefined;
  if (!input || !weights) return undefined;
  return inSteps(op, bias.op, input.scale, weights);
}

const isNarrow = ({ storage }: QuantType) => isInteger(storage) && bitsOf(storage) <= 16;

function inSteps(op: Op, source: Op, inputScale: number, { scale }: QuantParams): BiasCodes | undefined {
  const numbers = constant.attributesOf(source).value.data() as Float32Array;
  if (!numbers.every(Number.isFinite)) return undefined;
  const fitted = Array.from(numbers, (b, c) =>
    fitBias(b, inputScale, (scale[c] ?? scale[0]) as number, false, op.source),
  );
  const steps = scale.map((weightScale) => Math.fround(inputScale * weightScale));
  if (fitted.some(({ doublings }) => doublings > 0) || steps.some((step) => step < F32_MIN_NORMAL)) return undefined;
  const data = Int32Array.from(fitted, ({ code }) => code);
  const shape = biasShape(op, data.length);
  const axis = shape.length - 1;
  const granularity = steps.length === 1 ? { kind: 'tensor' as const } : { kind: 'axis' as const, axis };
  const element = quantType({ storage: 'i32', granularity, params: quantParams({ scale: steps }) });
  return { type: tensor(shape, element), codes: { dtype: 'i32', shape, data }, source };
}

/**
 * A bias that is added to a product of more than two axes has as many: onnxruntime would make a Gemm of the product and
 * a vector, whose reshaped codes it then cannot read.
 */
function biasShape(op: Op, length: number): number[] {
  const rank = op.definition === matmul ? (op.operand(0).type as TensorType).shape.length : 1;
  return rank > 2 ? [...new Array<number>(rank - 1).fill(1), length] : [length];
}
