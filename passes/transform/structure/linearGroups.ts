import { add, mul } from '../../../dialects/nn/binary.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import type { Block, Op, TensorType, Value } from '../../../src/ir/index.ts';
import { perChannel } from '../../channels.ts';
import { clampOf, withoutClamp } from '../../clamps.ts';
import { isMatrixLayer, layersReading } from './matrixLayer.ts';

/**
 * A value with matrix layers that read it, in which each channel (index of its last axis) can be scaled, and the rows of
 * the layers' weights by the inverse, without a change of what the model computes.
 */
export interface LinearGroup {
  readonly value: Value;
  readonly channels: number;
  /** In the order of the graph. */
  readonly layers: readonly Op[];
  /**
   * `norm`: the value is a normalization's result, and other ops may read it too. `linear`: these layers alone read it,
   * and it is a matrix layer's result, perhaps after a relu or times another factor.
   */
  readonly kind: 'norm' | 'linear';
  /** For `linear`: the layer before. */
  readonly before?: Op;
  /** Whether its channels can be shifted too: nothing but an affine map stands between. */
  readonly shifts: boolean;
}

/** Every group of a block, in order: from norm to the layers after it, and from layer to layer. No names, no shapes of a known model. */
export function linearGroups(block: Block): LinearGroup[] {
  const places = new Map([...block.ops()].map((op, i) => [op, i]));
  return [...block.ops()].flatMap(({ results: [value] }): LinearGroup[] => {
    const channels = value?.type.kind === 'tensor' ? value.type.shape.at(-1) : undefined;
    if (!value || typeof channels !== 'number') return [];
    const layers = layersReading(value).toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    if (layers.length === 0) return [];
    if (isNormalized(value)) return [{ value, channels, layers, kind: 'norm', shifts: true }];
    if (layers.length !== value.uses.size) return [];
    const found = layerBehind(value);
    return found ? [{ value, channels, layers, kind: 'linear', ...found }] : [];
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

/** The matrix layer whose output channels are those of a value, through what is positively homogeneous: f(s·x) = s·f(x), s > 0. */
function layerBehind(value: Value): Pick<LinearGroup, 'before' | 'shifts'> | undefined {
  const op: Op | undefined = value.op;
  if (!op) return undefined;
  if (isMatrixLayer(op) && (withoutClamp(op) || isRelu(clampOf(op)))) return { before: op, shifts: withoutClamp(op) };
  if (clamp.is(op)) {
    const { min, max } = clamp.attributesOf(op);
    return isRelu([min, max]) ? through(op.operand(0)) : undefined;
  }
  if (!mul.is(op) || !withoutClamp(op)) return undefined;
  // (s∘u)·g == s∘(u·g)
  for (const [u] of factors(op)) {
    const found = u.type === value.type ? through(u) : undefined;
    if (found) return found;
  }
  return undefined;
}

function through(value: Value): Pick<LinearGroup, 'before' | 'shifts'> | undefined {
  const found = value.uses.size === 1 ? layerBehind(value) : undefined;
  return found && { ...found, shifts: false };
}

const isRelu = ([low, high]: readonly [number, number]): boolean => low === 0 && high === Number.POSITIVE_INFINITY;
const rankOf = (value: Value): number => (value.type as TensorType).shape.length;
const lastOf = (value: Value): number => (value.type as TensorType).shape.at(-1) as number;
const factors = (op: Op): [Value, Value][] => [
  [op.operand(0), op.operand(1)],
  [op.operand(1), op.operand(0)],
];
