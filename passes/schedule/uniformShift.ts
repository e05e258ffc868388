import { conv } from '../../dialects/int/conv.ts';
import { matmul } from '../../dialects/int/matmul.ts';
import { requantize } from '../../dialects/int/requantize.ts';
import { rescale } from '../../dialects/int/rescale.ts';
import { bitsOf, integerRange, type Op, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule } from '../../src/rewrite/index.ts';
import { InternalError, QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { constantOf, createInts } from '../constants.ts';
import { contractionRanges, type Interval } from '../integer/accumulatorRange.ts';
import { commonShift } from './commonShift.ts';

const anyI32: Interval = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** What the accumulators can be, for each output channel of a contraction with constant weights. */
function rangesOf(acc: Value): Interval[] | undefined {
  const made = acc.op;
  const weights = made && constantOf(made.operands[1]);
  if (!weights || weights.shape.length < 2) return undefined;
  const codes = integerRange(storageOf((made.operand(0).type as TensorType).element));
  const bias = constantOf(made.operands[2])?.data as Int32Array | undefined;
  if (made.definition === conv) return contractionRanges(weights, 0, bias, conv.attributesOf(made).zero_point, codes);
  if (made.definition !== matmul) return undefined;
  const { zero_point_a, zero_point_b } = matmul.attributesOf(made);
  if (zero_point_b !== 0) return undefined;
  return contractionRanges(weights, weights.shape.length - 1, bias, zero_point_a, codes);
}

function parameterOf(root: Op, index: number): HostTensor {
  const found = constantOf(root.operand(index));
  if (!found) throw new InternalError(`${root.name} of ${root.source} needs constant multipliers`);
  return found;
}

// requantize(acc, m, s) == rescale(acc, m', factor, bound){S}: the identity is proved in commonShift.ts
const uniform = rule('uniform-shift', op(requantize), ({ root }, rewriter) => {
  const multiplier = parameterOf(root, 1);
  const shift = parameterOf(root, 2);
  const ranges = rangesOf(root.operand(0));
  const byChannel = ranges?.length === multiplier.data.length ? ranges : undefined;
  const channels = Array.from(multiplier.data as Int32Array, (m, i) => ({
    m,
    s: shift.data[i] as number,
    range: byChannel?.[i] ?? anyI32,
  }));
  const bits = bitsOf(storageOf((root.result.type as TensorType).element));
  const common = commonShift(channels, bits);
  if (!common) {
    throw new QcError({
      what: 'the channels of this layer have scales too far apart for one shift',
      where: root.source,
      why: `shifts reach from ${Math.min(...channels.map(({ s }) => s))} to ${Math.max(...channels.map(({ s }) => s))}`,
      help: 'keep this layer in float',
    });
  }
  const ints = (name: string, data: number[]) => createInts(rewriter, `${root.source}.${name}`, multiplier.shape, data);
  const each = <K extends 'm' | 'factor' | 'bound'>(key: K) => common.channels.map((channel) => channel[key]);
  const reached = common.channels.some(({ bound }, i) => {
    const { low, high } = channels[i]?.range ?? anyI32;
    return low < -bound || high > bound;
  });
  const operands = {
    acc: root.operand(0),
    multiplier: ints('multiplier', each('m')),
    factor: each('factor').some((factor) => factor !== 1) || reached ? ints('factor', each('factor')) : undefined,
    bound: reached ? ints('bound', each('bound')) : undefined,
  };
  const attributes = { ...root.attributes, shift: common.shift };
  return rewriter.create(rescale, operands, attributes, { types: [root.result.type] }).result;
});

/** Gives every requantization one shift for all its channels, as kernels want it. */
export const uniformShift = defineRewritePass({
  name: 'uniform-shift',
  summary: 'Writes requantizations with one shift for all channels, with the same results.',
  phase: 'schedule',
  preserves: 'bits',
  rules: [uniform],
});
