import { batchNorm } from '../../dialects/nn/batchNorm.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { avgPool, maxPool } from '../../dialects/nn/pool.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import type { Division } from '../../src/calibrate/index.ts';
import type { Op, OpDefinition, TensorType, Value } from '../../src/ir/index.ts';

/** Ops on [N, C, …]. */
const ofImages: ReadonlySet<OpDefinition> = new Set<OpDefinition>([conv, avgPool, maxPool, batchNorm]);

/** Where the channels of a value lie: on axis 1 beside a layer on images, else on the last axis. */
export function divisionOf(value: Value): Division {
  const shape = (value.type as TensorType).shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const axis = shape.length > 2 && isImage(value) ? 1 : shape.length - 1;
  return { channels: shape[axis] ?? 1, inner: shape.slice(axis + 1).reduce((n, dim) => n * dim, 1) };
}

function isImage(value: Value): boolean {
  const readers = [...value.users].flatMap((op) => (isMark(op) ? [...op.result.users] : [op]));
  return [value.op, ...readers].some((op) => op && ofImages.has(op.definition));
}

const isMark = (op: Op): boolean => observe.is(op) || observeWindows.is(op);
