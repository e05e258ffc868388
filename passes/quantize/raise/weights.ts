import { constant } from '../../../dialects/nn/constant.ts';
import { conv } from '../../../dialects/nn/conv.ts';
import { dcast } from '../../../dialects/quant/dcast.ts';
import {
  bitsOf,
  isInteger,
  type Op,
  type QuantParams,
  type QuantType,
  quantOf,
  type TensorType,
  type Value,
} from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { channelCount, weightAxis } from '../../channels.ts';
import { constantName, constantOf } from '../../constants.ts';
import { differences } from '../../integer/contractions.ts';

/** Weights as integer contractions take them: signed codes, one scale and zero point an output channel. */
export interface WeightCodes {
  readonly name: string;
  readonly codes: HostTensor;
  readonly scales: readonly number[];
  /** 0 wherever the codes can be chosen so. */
  readonly zeroPoints: readonly number[];
}

/** The constant codes behind a float operand, whatever their type. */
export function constantCodes(
  value: Value | undefined,
): { codes: HostTensor; type: QuantType; name: string } | undefined {
  if (!value?.op || !dcast.is(value.op)) return undefined;
  const stored = value.op.operand(0);
  const type = quantOf(stored.type as TensorType);
  const codes = constantOf(stored);
  return type && codes && constant.is(stored.op) ? { codes, type, name: constantName(stored, '') } : undefined;
}

/** The weights of a convolution or matrix product; a string says why they have no such form. */
export function weightCodes(op: Op): WeightCodes | string {
  const found = constantCodes(op.operands[1]);
  if (!found) return 'its weights are no constant codes';
  const { codes, type, name } = found;
  const { granularity, storage } = type;
  if (!isInteger(storage) || bitsOf(storage) > 8) return `its weights are stored as ${storage}`;
  if (granularity.kind !== 'tensor' && !(granularity.kind === 'axis' && granularity.axis === weightAxis(op))) {
    return 'its weights have scales that are not one an output channel';
  }
  const { scale, zeroPoint } = type.params as QuantParams;
  const channels = channelCount(op);
  const perChannel = (list: readonly number[]) =>
    list.length > 1 ? list : new Array<number>(channels).fill(list[0] as number);
  const [scales, zeros] = [perChannel(scale), perChannel(zeroPoint)];
  // Where the differences from the zero points are bytes, they are the codes.
  const centred = differences(codes, weightAxis(op), zeros);
  const isByte = centred.every((step) => step >= -128 && step <= 127);
  if (!isByte && op.definition === conv && conv.attributesOf(op).group !== 1) {
    return 'its weights are up to 255 steps from their zero points, and it has groups';
  }
  const shift = storage === 'u8' && !isByte ? 128 : 0;
  const data = Int8Array.from(isByte ? centred : Array.from(codes.data as Uint8Array, (code) => code - shift));
  const zeroPoints = zeros.map((zero) => (isByte ? 0 : zero - shift));
  return { name, codes: { dtype: 'i8', shape: codes.shape, data }, scales, zeroPoints };
}
