import { add, mul } from '../../../dialects/nn/binary.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { avgPool, maxPool } from '../../../dialects/nn/pool.ts';
import type { Block, Op, TensorType, Value } from '../../../src/ir/index.ts';
import { channelAxis, perChannel } from '../../channels.ts';
import { clampOf, withoutClamp } from '../../clamps.ts';
import { isChannelLayer, isPadded, readAxis } from './channelLayer.ts';

/**
 * A value with layers that read it, in which each channel can be scaled, and the weights of the layers that meet it by the
 * inverse, without a change of what the model computes.
 */
export interface LinearGroup {
  readonly value: Value;
  /** Of the value: the last one where matrix products read it, 1 where convolutions do. */
  readonly axis: number;
  readonly channels: number;
  /** In the order of the graph. */
  readonly layers: readonly Op[];
  /**
   * `norm`: the value is a normalization's result, and other ops may read it too. `linear`: these layers alone read it,
   * and it is a layer's result, perhaps after a relu or a pool, or times another factor.
   */
  readonly kind: 'norm' | 'linear';
  /** For `linear`: the layer before. */
  readonly before?: Op;
  /**
   * Whether its channels can be shifted too. `always`: nothing but an affine map stands between; `down`: a relu alone does,
   * and no element of a channel is less than what is taken away. Zeros around what a layer reads are never shifted.
   */
  readonly shifts: 'always' | 'down' | 'never';
}

type Maker = Pick<LinearGroup, 'before' | 'shifts'>;

/** Every group of a block, in order: from norm to the layers after it, and from layer to layer. No names, no shapes of a known model. */
export function linearGroups(block: Block): LinearGroup[] {
  const places = new Map([...block.ops()].map((op, i) => [op, i]));
  return [...block.ops()].flatMap(({ results: [value] }): LinearGroup[] => {
    if (value?.type.kind !== 'tensor') return [];
    const reading = [...value.uses].filter(({ op, index }) => index === 0 && isChannelLayer(op)).map(({ op }) => op);
    const layers = reading.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    const [axis, ...others] = new Set(layers.map(readAxis));
    const channels = axis === undefined ? undefined : value.type.shape[axis];
    if (axis === undefined || others.length > 0 || typeof channels !== 'number') return [];
    const group = { value, axis, channels, layers };
    if (axis === rankOf(value) - 1 && isNormalized(value)) return [{ ...group, kind: 'norm', shifts: 'always' }];
    if (layers.length !== value.uses.size) return [];
    const found = layerBehind(value, axis);
    if (!found) return [];
    return [{ ...group, kind: 'linear', ...found, shifts: layers.some(isPadded) ? 'never' : found.shifts }];
  });
}

/** Whether a value is a normalization over its last axis, or one with a factor or an offset a channel. */
function isNormalized(value: Value): boolean {
  const { op } = value;
  const rank = rankOf(value);
  if (normalize.is(op)) return [-1, rank - 1].includes(normalize.attributesOf(op).axis);
  if ((!mul.is(op) && !add.is(op)) || !withoutClamp(op)) return false;
  return factors(op).some(([x, c]) => {
    return rankOf(x) === rank && perChannel(c, rank, rank - 1, lastOf(value)) !== undefined && isNormalized(x);
  });
}

/** The layer whose output channels are those of a value, through what is positively homogeneous: f(s·x) = s·f(x), s > 0. */
function layerBehind(value: Value, axis: number): Maker | undefined {
  const op: Op | undefined = value.op;
  if (!op) return undefined;
  if (isChannelLayer(op) && channelAxis(op) === axis) {
    if (withoutClamp(op)) return { before: op, shifts: 'always' };
    return isRelu(clampOf(op)) ? { before: op, shifts: 'down' } : undefined;
  }
  if (clamp.is(op)) {
    const { min, max } = clamp.attributesOf(op);
    const found = isRelu([min, max]) ? through(op.operand(0), axis) : undefined;
    return found && { ...found, shifts: found.shifts === 'never' ? 'never' : 'down' };
  }
  if ((maxPool.is(op) || avgPool.is(op)) && axis === 1) return unshifted(through(op.operand(0), axis));
  if (!mul.is(op) || !withoutClamp(op)) return undefined;
  // (s∘u)·g == s∘(u·g)
  for (const [u] of factors(op)) {
    const found = u.type === value.type ? through(u, axis) : undefined;
    if (found) return unshifted(found);
  }
  return undefined;
}

const through = (value: Value, axis: number): Maker | undefined =>
  value.uses.size === 1 ? layerBehind(value, axis) : undefined;
const unshifted = (found: Maker | undefined): Maker | undefined => found && { ...found, shifts: 'never' };
const isRelu = ([low, high]: readonly [number, number]): boolean => low === 0 && high === Number.POSITIVE_INFINITY;
const rankOf = (value: Value): number => (value.type as TensorType).shape.length;
const lastOf = (value: Value): number => (value.type as TensorType).shape.at(-1) as number;
const factors = (op: Op): [Value, Value][] => [
  [op.operand(0), op.operand(1)],
  [op.operand(1), op.operand(0)],
];
