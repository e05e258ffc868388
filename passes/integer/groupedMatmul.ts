import { groupCodes } from '../../dialects/int/groupCodes.ts';
import { stepMatmul } from '../../dialects/int/stepMatmul.ts';
import {
  bitsOf,
  type Op,
  type QuantType,
  quantOf,
  quantParams,
  quantType,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { constantName, constantOf, createConstant, createInts } from '../constants.ts';
import { inputsOfTile } from '../quantize/dynamicProduct.ts';
import { codesInUnits, type OutputSteps, outputSteps } from '../quantize/groupedWeights.ts';
import type { IntegerBuilder } from './builder.ts';

/** Weights in groups of inputs whose scales are whole multiples of one number an output. */
export interface GroupedWeights extends OutputSteps {
  readonly group: number;
  readonly storage: QuantType['storage'];
  readonly codes: HostTensor;
  /** Codes times the steps of their groups. */
  readonly inUnits: HostTensor;
}

/** How the weights of a matrix product are grouped; undefined where they are not. */
export function groupedWeights(op: Op): GroupedWeights | undefined {
  const { granularity, params, storage } = quantOf(op.operand(1).type as TensorType) as QuantType;
  if (granularity.kind !== 'block' || !params) return undefined;
  const codes = constantOf(op.operand(1)) as HostTensor;
  const steps = outputSteps(params.scale, codes.shape[1] as number);
  return { ...steps, group: granularity.size, storage, codes, inUnits: codesInUnits(codes, granularity.size, steps) };
}

// Σ_g S·m_g·Σ_k (a − z)·w == S·(Σ_g m_g·Σ_k a·w − z·Σ_g m_g·Σ_k w), modulo 2^32 at every step within the parentheses
export function groupedSums(
  op: Op,
  { group, storage, steps, codes, inUnits }: GroupedWeights,
  zeroPoint: number,
  bias: Int32Array | undefined,
  build: IntegerBuilder,
): Value {
  const { rewriter } = build;
  const x = build.stored(op.operand(0));
  const outputs = codes.shape[1] as number;
  const start = Int32Array.from({ length: outputs }, (_, n) => bias?.[n] ?? 0);
  inUnits.data.forEach((value, i) => {
    start[i % outputs] = (start[i % outputs] as number) - zeroPoint * Number(value);
  });
  const type = quantType({
    storage,
    granularity: { kind: 'block', axis: 0, size: group },
    params: quantParams({ scale: steps }),
  });
  const name = constantName(op.operand(1), op.source);
  const align = inputsOfTile(bitsOf(storage));
  const [a, sums] = rewriter.create(groupCodes, { x }, { group, align }).results as [Value, Value];
  const w = createConstant(rewriter, name, codes, type);
  const operands = { a, sums, w, bias: createInts(rewriter, `${op.source}.start`, [outputs], start) };
  return rewriter.create(stepMatmul, operands, {}).result;
}
