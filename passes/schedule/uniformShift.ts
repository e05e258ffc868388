import { requantize } from '../../dialects/int/requantize.ts';
import { rescale } from '../../dialects/int/rescale.ts';
import { bitsOf, type Op, storageOf, type TensorType } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule } from '../../src/rewrite/index.ts';
import { InternalError, QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { constantOf, createInts } from '../constants.ts';
import { anyI32, rangesToRescale } from './accumulatorRanges.ts';
import { commonShift } from './commonShift.ts';

function parameterOf(root: Op, index: number): HostTensor {
  const found = constantOf(root.operand(index));
  if (!found) throw new InternalError(`${root.name} of ${root.source} needs constant multipliers`);
  return found;
}

// requantize(acc, m, s) == rescale(acc, m', factor, bound){S}: the identity is proved in commonShift.ts
const uniform = rule('uniform-shift', op(requantize), ({ root }, rewriter) => {
  const multiplier = parameterOf(root, 1);
  const shift = parameterOf(root, 2);
  const ranges = rangesToRescale(root.operand(0), multiplier.data.length);
  const channels = Array.from(multiplier.data as Int32Array, (m, i) => ({
    m,
    s: shift.data[i] as number,
    range: ranges?.[i] ?? anyI32,
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
