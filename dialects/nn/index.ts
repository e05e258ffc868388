import { argMax, argMin } from './argMax.ts';
import { batchNorm } from './batchNorm.ts';
import { binaryOps } from './binary.ts';
import { cast } from './cast.ts';
import { clamp } from './clamp.ts';
import { compareOps } from './compare.ts';
import { concat } from './concat.ts';
import { constant } from './constant.ts';
import { conv } from './conv.ts';
import { expand } from './expand.ts';
import { fused } from './fused.ts';
import { gather } from './gather.ts';
import { ifOp } from './if.ts';
import { normalize } from './layerNorm.ts';
import { loop } from './loop.ts';
import { matmul } from './matmul.ts';
import { pad } from './pad.ts';
import { avgPool, maxPool } from './pool.ts';
import { pow } from './power.ts';
import { range } from './range.ts';
import { reduceOps } from './reduce.ts';
import { relayout } from './relayout.ts';
import { reshape } from './reshape.ts';
import { resizeLinear, resizeNearest } from './resize.ts';
import { returnOp } from './return.ts';
import { shapeOf } from './shape.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { tile } from './tile.ts';
import { transpose } from './transpose.ts';
import { trilu } from './trilu.ts';
import { unaryOps } from './unary.ts';
import { where } from './where.ts';

export * from './argMax.ts';
export * from './batchNorm.ts';
export * from './binary.ts';
export * from './cast.ts';
export * from './clamp.ts';
export * from './compare.ts';
export * from './concat.ts';
export * from './constant.ts';
export * from './conv.ts';
export * from './expand.ts';
export * from './fused.ts';
export * from './gather.ts';
export * from './if.ts';
export * from './layerNorm.ts';
export * from './loop.ts';
export * from './matmul.ts';
export * from './pad.ts';
export * from './pool.ts';
export * from './power.ts';
export * from './range.ts';
export * from './reduce.ts';
export * from './relayout.ts';
export * from './reshape.ts';
export * from './resize.ts';
export * from './return.ts';
export * from './shape.ts';
export * from './slice.ts';
export * from './softmax.ts';
export * from './tile.ts';
export * from './transpose.ts';
export * from './trilu.ts';
export * from './unary.ts';
export * from './where.ts';

/** Every op of the `nn` dialect. */
export const nnOps = [
  ...[constant, returnOp, fused, relayout, ifOp, loop],
  ...[conv, matmul, batchNorm, maxPool, avgPool, softmax, normalize],
  ...[clamp, ...binaryOps, pow, ...unaryOps, ...compareOps, where, cast],
  ...[...reduceOps, argMax, argMin],
  ...[transpose, reshape, expand, slice, pad, concat, gather, tile, trilu, resizeNearest, resizeLinear, shapeOf, range],
];
