import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { type StoredWeights, staticShape, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { besideWeights } from './codeLevels.ts';
import { groupKernel } from './groupKernel.ts';

/** Outputs of the widest vector: the last one may reach beyond the last output. */
const widestVector = 32;

/** int.group_matmul: sums of groups, the share of the activations' zero point taken off, times the scales of rows. */
export function groupMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [a, scale, zeroPoint, sums, weights, bias, tables] = root.operands.map((v) => v && cluster.outside(v)) as [
    ...[Value, Value, Value, Value, Value],
    ...(Value | undefined)[],
  ];
  const stored = weightsOf(tensorType(weights), root.source);
  const drift = besideWeights(context, weights, 'drift', driftOf(weights, stored));
  return groupKernel(cluster, context, {
    ...{ weights, stored, whole: false, a, sums, tables },
    beside: [scale, zeroPoint, drift, ...(bias ? [bias] : [])],
    ending(k) {
      const [rowScales, rowZeros] = [context.input(k, 'scale', scale), context.input(k, 'zero_point', zeroPoint)];
      const drifts = context.input(k, 'drift', drift);
      const start = bias && context.input(k, 'bias', bias);
      return (row) => {
        const [rowScale, rowZero] = [k.load(rowScales, row), k.convert(k.load(rowZeros, row), 'f32')];
        return (sum, { column, lanes, factors }) => {
          const total = factors ? k.mul(k.convert(sum, 'f32'), factors) : sum;
          const shifted = k.sub(total, k.mul(k.splat(rowZero, lanes), k.load(drifts, column, lanes)));
          const real = k.mul(shifted, k.splat(rowScale, lanes));
          return start ? k.add(real, k.load(start, column, lanes)) : real;
        };
      };
    },
  });
}

/** Σ_g s·Σ_k level of each output: what a zero point of the activations adds. */
function driftOf(weights: Value, stored: StoredWeights): Float32Array {
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const codes = constant.attributesOf(weights.op as NonNullable<Value['op']>).value.data() as Int8Array;
  const sums = new Float64Array(Math.ceil(columns / widestVector) * widestVector);
  for (let i = 0; i < inputs; i++) {
    const g = Math.floor(i / stored.group);
    for (let n = 0; n < columns; n++) {
      const code = codes[i * columns + n] as number;
      const level = (stored.levels ? (stored.levels[code] as number) : code + stored.offset) - stored.zero(g, n);
      sums[n] = (sums[n] as number) + level * stored.scale(g, n);
    }
  }
  return Float32Array.from(sums);
}
