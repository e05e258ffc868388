import { angle } from './angle.ts';
import { append } from './append.ts';
import { argMax, argMin } from './argMax.ts';
import { attention } from './attention.ts';
import { batchNorm } from './batchNorm.ts';
import { binaryOps } from './binary.ts';
import { bitCast } from './bitCast.ts';
import { bitwiseOps } from './bitwise.ts';
import { cast } from './cast.ts';
import { clamp } from './clamp.ts';
import { col2im } from './col2im.ts';
import { compareOps } from './compare.ts';
import { concat } from './concat.ts';
import { constant } from './constant.ts';
import { conv } from './conv.ts';
import { cumProd, cumSum } from './cumulative.ts';
import { deformConv } from './deformConv.ts';
import { det } from './det.ts';
import { expand } from './expand.ts';
import { fftStage } from './fftStage.ts';
import { fused } from './fused.ts';
import { gather } from './gather.ts';
import { gatherElements } from './gatherElements.ts';
import { gatherNd } from './gatherNd.ts';
import { gridSample } from './gridSample.ts';
import { gru } from './gru.ts';
import { gruCell } from './gruCell.ts';
import { hadamard } from './hadamard.ts';
import { ifOp } from './if.ts';
import { isInf } from './isInf.ts';
import { normalize } from './layerNorm.ts';
import { linearAttention } from './linearAttention.ts';
import { loop } from './loop.ts';
import { lstm } from './lstm.ts';
import { lstmCell } from './lstmCell.ts';
import { matmul } from './matmul.ts';
import { maxPoolIndices } from './maxPoolIndices.ts';
import { melWeights } from './melWeights.ts';
import { nonMaxSuppression } from './nonMaxSuppression.ts';
import { nonZero } from './nonZero.ts';
import { pad } from './pad.ts';
import { avgPool, maxPool } from './pool.ts';
import { pow } from './power.ts';
import { range, rangeOf } from './range.ts';
import { reduceOps } from './reduce.ts';
import { relayout } from './relayout.ts';
import { resample } from './resample.ts';
import { reshape } from './reshape.ts';
import { resizeLinear, resizeNearest } from './resize.ts';
import { returnOp } from './return.ts';
import { reverseSequence } from './reverseSequence.ts';
import { rnn } from './rnn.ts';
import { roiAlign } from './roiAlign.ts';
import { rotary } from './rotary.ts';
import { scatterElements, scatterNd } from './scatter.ts';
import { shapeOf } from './shape.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { tfIdf } from './tfIdf.ts';
import { tile } from './tile.ts';
import { topK } from './topK.ts';
import { transpose } from './transpose.ts';
import { trilu } from './trilu.ts';
import { unaryOps } from './unary.ts';
import { unique } from './unique.ts';
import { where } from './where.ts';

export * from './angle.ts';
export * from './append.ts';
export * from './argMax.ts';
export * from './attention.ts';
export * from './batchNorm.ts';
export * from './binary.ts';
export * from './bitCast.ts';
export * from './bitwise.ts';
export * from './cast.ts';
export * from './clamp.ts';
export * from './col2im.ts';
export * from './compare.ts';
export * from './concat.ts';
export * from './constant.ts';
export * from './conv.ts';
export * from './cumulative.ts';
export * from './deformConv.ts';
export * from './det.ts';
export * from './expand.ts';
export * from './fftStage.ts';
export * from './fused.ts';
export * from './gather.ts';
export * from './gatherElements.ts';
export * from './gatherNd.ts';
export * from './gridSample.ts';
export * from './gru.ts';
export * from './gruCell.ts';
export * from './hadamard.ts';
export * from './if.ts';
export * from './isInf.ts';
export * from './layerNorm.ts';
export * from './linearAttention.ts';
export * from './loop.ts';
export * from './lstm.ts';
export * from './lstmCell.ts';
export * from './matmul.ts';
export * from './maxPoolIndices.ts';
export * from './melWeights.ts';
export * from './nonMaxSuppression.ts';
export * from './nonZero.ts';
export * from './pad.ts';
export * from './pool.ts';
export * from './power.ts';
export * from './range.ts';
export * from './reduce.ts';
export * from './relayout.ts';
export * from './resample.ts';
export * from './reshape.ts';
export * from './resize.ts';
export * from './return.ts';
export * from './reverseSequence.ts';
export * from './rnn.ts';
export * from './roiAlign.ts';
export * from './rotary.ts';
export * from './scatter.ts';
export * from './shape.ts';
export * from './slice.ts';
export * from './softmax.ts';
export * from './tfIdf.ts';
export * from './tile.ts';
export * from './topK.ts';
export * from './transpose.ts';
export * from './trilu.ts';
export * from './unary.ts';
export * from './unique.ts';
export * from './where.ts';

/** Every op of the `nn` dialect. */
export const nnOps = [
  ...[constant, returnOp, fused, relayout, ifOp, loop],
  ...[rnn, gru, gruCell, lstm, lstmCell],
  ...[conv, matmul, batchNorm, maxPool, avgPool, softmax, normalize, rotary, attention, hadamard],
  ...[clamp, ...binaryOps, pow, ...unaryOps, ...compareOps, where, cast, angle],
  ...[...reduceOps, argMax, argMin],
  ...[
    transpose,
    reshape,
    expand,
    slice,
    pad,
    concat,
    append,
    gather,
    tile,
    trilu,
    resizeNearest,
    resizeLinear,
    shapeOf,
    range,
  ],
  ...[bitCast, ...bitwiseOps, isInf, cumSum, cumProd, topK, unique, nonZero, rangeOf, reverseSequence, det],
  ...[gatherElements, gatherNd, scatterElements, scatterNd, nonMaxSuppression, roiAlign, gridSample, deformConv],
  ...[col2im, maxPoolIndices, resample, melWeights, linearAttention, tfIdf, fftStage],
];
