import { constant } from '../../../dialects/nn/constant.ts';
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
  uniformParams,
  withElement,
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
  const granularity = steps.length === 1 ? { kind: 'tensor' as const } : { kind: 'axis' as const, axis: 0 };
  const element = quantType({ storage: 'i32', granularity, params: quantParams({ scale: steps }) });
  const data = Int32Array.from(fitted, ({ code }) => code);
  const type = withElement(source.result.type as TensorType, element);
  return { type, codes: { dtype: 'i32', shape: [data.length], data }, source };
}
