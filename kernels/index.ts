import { turned } from '../dialects/int/turned.ts';
import { constant } from '../dialects/nn/constant.ts';
import { staticShape, storageOf } from '../src/ir/index.ts';
import { QcError } from '../src/support/diagnostics.ts';
import { type Intrinsic, intrinsics } from '../src/target/index.ts';
import { type Cluster, tensorType } from './cluster.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import type { KernelContext, KernelPlan, KernelVariant, Template } from './plan.ts';
import { reduce } from './reduce.ts';
import { refusalOf } from './refused.ts';
import { serialConv } from './serial/conv.ts';
import { det } from './serial/det.ts';
import { fftStage } from './serial/fftStage.ts';
import { gatherElements, gatherNd } from './serial/gatherElements.ts';
import { gridSample } from './serial/gridSample.ts';
import { linearAttention } from './serial/linearAttention.ts';
import { maxPoolIndices } from './serial/maxPoolIndices.ts';
import { nonMaxSuppression } from './serial/nonMaxSuppression.ts';
import { nonZero } from './serial/nonZero.ts';
import { range } from './serial/range.ts';
import { rangeOf } from './serial/rangeOf.ts';
import { recurrent } from './serial/recurrent.ts';
import { reverseSequence } from './serial/reverseSequence.ts';
import { roiAlign } from './serial/roiAlign.ts';
import { argExtreme, cumulative } from './serial/scan.ts';
import { scatterElements, scatterNd } from './serial/scatter.ts';
import { topK } from './serial/topK.ts';
import { unique } from './serial/unique.ts';
import { attention } from './simd/attention.ts';
import { conv } from './simd/dense.ts';
import { depthwise } from './simd/depthwise.ts';
import { dynamicQcast } from './simd/dynamicQcast.ts';
import { groupCodes } from './simd/groupCodes.ts';
import { groupMatmul } from './simd/groupMatmul.ts';
import { hadamard } from './simd/hadamard.ts';
import { interpolate } from './simd/interpolate.ts';
import { intNormalize } from './simd/intNormalize.ts';
import { intSoftmax } from './simd/intSoftmax.ts';
import { matmul } from './simd/matmul.ts';
import { normalize } from './simd/normalize.ts';
import { pool } from './simd/pool.ts';
import { softmax } from './simd/softmax.ts';
import { stepMatmul } from './simd/stepMatmul.ts';
import { sumTables } from './simd/sumTables.ts';
import { append, concat, view } from './view.ts';

export { isAlias, samePlaces } from './alias.ts';
export { isChoice } from './choice.ts';
export { type Cluster, clusterOf, operandKind, storedElement, tensorType } from './cluster.ts';
export { fingerprint } from './fingerprint.ts';
export type { KernelContext, KernelPlan } from './plan.ts';
export { elementAdvice, kernelElements, refusedInPrograms, refusedOnDevices } from './refused.ts';
export { fitsSums } from './simd/codeLevels.ts';
export { widening } from './simd/widenCodes.ts';
export { buildWide, wideType } from './simd/wideOperands.ts';

/** Templates by the name that ops give: of the SIMD family, and loops over single elements. */
const templates: Record<string, Template> = {
  matmul,
  conv: (cluster, context) =>
    (!isPacked(cluster) ? serialConv : isDepthwise(cluster) ? depthwise : conv)(cluster, context),
  group_codes: groupCodes,
  group_matmul: groupMatmul,
  step_matmul: stepMatmul,
  sum_tables: sumTables,
  dynamic_qcast: dynamicQcast,
  pool,
  softmax,
  attention,
  normalize,
  hadamard,
  append,
  concat,
  gather,
  gather_elements: gatherElements,
  gather_nd: gatherNd,
  scatter_elements: scatterElements,
  scatter_nd: scatterNd,
  arg_extreme: argExtreme,
  cumulative,
  top_k: topK,
  recurrent,
  range,
  range_of: rangeOf,
  non_zero: nonZero,
  unique,
  non_max_suppression: nonMaxSuppression,
  reverse_sequence: reverseSequence,
  max_pool_indices: maxPoolIndices,
  det,
  fft_stage: fftStage,
  linear_attention: linearAttention,
  roi_align: roiAlign,
  grid_sample: gridSample,
  interpolate,
  int_softmax: intSoftmax,
  int_normalize: intNormalize,
};

/** Whether a convolution's weights are known, so that they can be packed; those of `int` always are. */
function isPacked({ root, outside }: Cluster): boolean {
  const isFloat = storageOf(tensorType(outside(root.operand(0))).element) === 'f32';
  return root.name !== 'nn.conv' || (isFloat && root.operands.slice(1).every((v) => !v || constant.is(outside(v).op)));
}

function isDepthwise({ root, outside }: Cluster): boolean {
  const [outputs, perGroup] = staticShape(tensorType(outside(root.operand(1))));
  return perGroup === 1 && root.attributes.group === outputs && (outputs as number) > 1;
}

/** Whether kernels can be made for an op. */
export function hasKernel(lower: { kind: string; template?: string } | undefined): boolean {
  if (!lower) return false;
  return lower.kind !== 'template' || lower.template === 'relayout' || Object.hasOwn(templates, lower.template ?? '');
}

/** The instructions that a cluster needs a version of its own for because it turns codes' signs, if the template has none. */
function turnedVariants({ rest, root }: Cluster, { target }: KernelContext, { variants }: KernelPlan): KernelVariant[] {
  const [baseline] = variants;
  if (!baseline || ![root, ...rest].some((op) => turned.is(op))) return [];
  return target.contractions.flatMap((name) => {
    const { feature, turnedAccumulators }: Intrinsic = intrinsics[name];
    const isKnown = variants.some((one) => one.feature === feature);
    return turnedAccumulators === undefined || isKnown ? [] : [{ ...baseline, feature }];
  });
}

/**
 * Plans the kernel of a cluster.
 *
 * @throws QcError when the root has no kernel yet; it names the model's node.
 */
export function planKernel(cluster: Cluster, context: KernelContext): KernelPlan {
  const plan = planVariants(cluster, context);
  return { ...plan, variants: [...plan.variants, ...turnedVariants(cluster, context, plan)] };
}

function planVariants(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { lower } = root.definition;
  switch (lower?.kind) {
    case 'elementwise':
      return elementwise(cluster, context);
    case 'reduce':
      return reduce(cluster, context);
    case 'view':
      return view(cluster, context);
    case 'template': {
      if (lower.template === 'relayout') return view(cluster, context);
      const template = templates[lower.template];
      if (template) return template(cluster, context);
    }
  }
  const refusal = refusalOf(root);
  if (refusal) throw refusal;
  throw new QcError({
    what: `${root.name} has no kernel for ${context.target.name} yet`,
    where: root.source,
    why: 'the interpreter knows the operation, generated code does not',
    help: 'docs/operators.md lists what programs can run',
  });
}
