import { conv as intConv } from '../../dialects/int/conv.ts';
import { poolSum } from '../../dialects/int/poolSum.ts';
import { mul } from '../../dialects/nn/binary.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { avgPool, maxPool } from '../../dialects/nn/pool.ts';
import {
  integerRange,
  lowestOf,
  type Op,
  quantOf,
  type Rewriter,
  staticShape,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule } from '../../src/rewrite/index.ts';
import type { Target } from '../../src/target/index.ts';
import { createFloats } from '../constants.ts';
import { refusingSymbols } from '../symbolicShapes.ts';

const padsOf = (root: Op): readonly number[] => (root.attributes.pads as number[] | undefined) ?? [];
const isPadded = (root: Op): boolean => padsOf(root).some((p) => p !== 0);

/** x with spatial padding of `value`: a code where x holds codes, else a real number. */
function padded(rewriter: Rewriter, x: Value, pads: readonly number[], value: number): Value {
  const half = pads.length / 2;
  const all = [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)];
  return rewriter.create(pad, { x }, { pads: all, value }).result;
}

/** The op on a padded operand, without pads of its own. */
function unpadded(root: Op, rewriter: Rewriter, value: number): true {
  const pads = padsOf(root);
  rewriter.setOperand(root, 0, padded(rewriter, root.operand(0), pads, value));
  rewriter.setAttributes(root, { pads: pads.map(() => 0) });
  return true;
}

/** What stands for 0 as `nn.pad` wants it: the zero point where x holds plain codes, else the real number. */
function zeroOf(x: Value, zeroPoint: number): number {
  return quantOf(x.type as TensorType)?.params ? 0 : zeroPoint;
}

/** What never wins a maximum: −∞, the smallest code, or the real number that it stands for. */
function lowest(type: TensorType): number {
  const quant = quantOf(type);
  const storage = storageOf(type.element);
  if (!quant?.params) return lowestOf(storage);
  const [min] = integerRange(quant.storage);
  return (min - (quant.params.zeroPoint[0] as number)) * (quant.params.scale[0] as number);
}

/** How many cells of each window lie inside the input, for each output pixel. */
function insideCounts(root: Op): number[] {
  const { kernel, strides, pads } = avgPool.attributesOf(root);
  const x = staticShape(root.operand(0).type as TensorType).slice(2);
  const y = staticShape(root.result.type as TensorType).slice(2);
  return y.reduce<number[]>(
    (counts, extent, axis) => {
      const along = Array.from({ length: extent }, (_, i) => {
        const from = i * (strides[axis] as number) - (pads[axis] as number);
        const to = Math.min(from + (kernel[axis] as number), x[axis] as number);
        return to - Math.max(from, 0);
      });
      return counts.flatMap((n) => along.map((m) => n * m));
    },
    [1],
  );
}

// avg_pool(x){pads, not counting padding} == avg_pool(x){pads, counting padding} · cells / cells inside
const countPadding = rule('count-padding', op(avgPool), ({ root }, rewriter) => {
  const { kernel, count_include_pad } = avgPool.attributesOf(root);
  if (!isPadded(root) || count_include_pad) return undefined;
  const cells = kernel.reduce((n, d) => n * d, 1);
  const factors = refusingSymbols(root, () => insideCounts(root)).map((n) => cells / n);
  const x = root.operand(0);
  const all = rewriter.create(avgPool, { x }, { ...root.attributes, count_include_pad: true }).result;
  const shape = staticShape(root.result.type as TensorType).map((d, axis) => (axis < 2 ? 1 : d));
  const factor = createFloats(rewriter, `${root.source}.counts`, shape, factors);
  return rewriter.create(mul, { a: all, b: factor }).result;
});

const padRules = [
  // conv(x, w){pads} == conv(pad(x, 0), w)
  rule('pad-conv', op(conv), ({ root }, rewriter) => (isPadded(root) ? unpadded(root, rewriter, 0) : undefined)),
  // int.conv(x, w){pads, z} == int.conv(pad(x, z), w){z}: z is the code of 0
  rule('pad-int-conv', op(intConv), ({ root }, rewriter) =>
    isPadded(root)
      ? unpadded(root, rewriter, zeroOf(root.operand(0), intConv.attributesOf(root).zero_point))
      : undefined,
  ),
  // pool_sum(x){pads, z} == pool_sum(pad(x, z)){z}
  rule('pad-pool-sum', op(poolSum), ({ root }, rewriter) =>
    isPadded(root)
      ? unpadded(root, rewriter, zeroOf(root.operand(0), poolSum.attributesOf(root).zero_point))
      : undefined,
  ),
  // max_pool(x){pads} == max_pool(pad(x, lowest))
  rule('pad-max-pool', op(maxPool), ({ root }, rewriter) =>
    isPadded(root) ? unpadded(root, rewriter, lowest(root.operand(0).type as TensorType)) : undefined,
  ),
  // avg_pool(x){pads, counting padding} == avg_pool(pad(x, 0))
  rule('pad-avg-pool', op(avgPool), ({ root }, rewriter) =>
    isPadded(root) && avgPool.attributesOf(root).count_include_pad ? unpadded(root, rewriter, 0) : undefined,
  ),
];

export const explicitPadding = defineRewritePass({
  name: 'explicit-padding',
  summary:
    'Makes the padding of convolutions and pools an op of its own for kernels of vectors, which never look outside; ' +
    'invocations of devices ask for each element whether it is inside, rather than read a padded copy.',
  phase: 'schedule',
  preserves: { tolerance: 1e-6 },
  rules: (target) => [countPadding, ...((target as Target | undefined)?.family === 'simt' ? [] : padRules)],
});
