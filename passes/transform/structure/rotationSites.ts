import { attention } from '../../../dialects/nn/attention.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { rotary } from '../../../dialects/nn/rotary.ts';
import { softmax } from '../../../dialects/nn/softmax.ts';
import type { Block, Op, TensorType, Value } from '../../../src/ir/index.ts';
import { constantOf } from '../../constants.ts';
import { type MapKind, operandAxes } from './channelAxes.ts';
import { isMatrixLayer, layersReading } from './matrixLayer.ts';
import { type ConstantUse, type RotatedChannels, rotatedChannels } from './rotatedChannels.ts';

/** Values whose channels can be multiplied by an orthogonal matrix, its inverse being in constants alone. */
export interface RotationSite {
  /** The node that it was found by. */
  readonly where: string;
  readonly channels: RotatedChannels;
  /** Constants that must be made to write no mean first, so that a LayerNorm needs to take none away. */
  readonly centred: readonly ConstantUse[];
  /** Normalizations that then need not centre. */
  readonly norms: readonly Op[];
}

/** A place where the graph allows no rotation. */
export interface RefusedSite {
  readonly where: string;
  readonly refused: string;
}

export type FoundSites = { readonly sites: readonly RotationSite[]; readonly refused: readonly RefusedSite[] };

/** How many of so many channels may be mixed with one another. */
export type BlockOf = (channels: number) => number;

/** Residual streams: what layers and tables write, sums join and normalizations read. */
export function residualStreams(block: Block, blockOf: BlockOf): FoundSites {
  const starts = [...block.ops()].filter((op) => normalize.is(op) && isOverLast(op));
  return sitesFrom(
    starts.map((op) => ({ op, value: op.operand(0) })),
    blockOf,
  );
}

/** Values of attention, head by head: from the layer that makes them to the layer that reads what attention took of them. */
export function headValues(block: Block, blockOf: BlockOf): FoundSites {
  const starts = [...block.ops()].flatMap((op) => {
    const isProduct = matmul.is(op) && softmax.is(op.operand(0).op) && !constantOf(op.operand(1));
    return attention.is(op) || isProduct ? [{ op, value: op.operand(isProduct ? 1 : 2) }] : [];
  });
  return sitesFrom(starts, blockOf);
}

/** What layers read, up to the layers that write it, where all channels can be put into another order by constants alone. */
export function orderedChannels(block: Block): FoundSites {
  const read = [...block.ops()].filter((op) => isMatrixLayer(op));
  const starts = read.map((op) => ({ op, value: op.operand(0) }));
  return sitesFrom(starts, (channels) => channels, 'permutation');
}

function sitesFrom(
  starts: readonly { readonly op: Op; readonly value: Value }[],
  blockOf: BlockOf,
  kind: MapKind = 'linear',
): FoundSites {
  const sites: RotationSite[] = [];
  const refused = new Map<string, RefusedSite>();
  const seen = new Set<Value>();
  for (const { op, value } of starts) {
    const size = lastOf(value);
    if (seen.has(value) || size === undefined || size < 2) continue;
    const channels = rotatedChannels(value, rankOf(value) - 1, blockOf(size), { kind });
    for (const one of channels.values.keys()) seen.add(one);
    const centred = 'refused' in channels ? channels : kind === 'permutation' ? ordered : centredFor(channels);
    if ('refused' in channels || 'refused' in centred) {
      const reason = 'refused' in centred ? centred.refused : '';
      if (!refused.has(reason)) refused.set(reason, { where: op.source, refused: reason });
    } else if (channels.readers.length > 0) {
      sites.push({ where: op.source, channels, ...centred });
    }
  }
  return { sites, refused: [...refused.values()] };
}

/** The mean of channels does not depend on their order. */
const ordered = { centred: [], norms: [] } as const;

/** What must be centred for normalizations that take a mean away. */
function centredFor({
  norms,
}: RotatedChannels): Pick<RotationSite, 'centred' | 'norms'> | { readonly refused: string } {
  const centring = norms.filter((op) => normalize.attributesOf(op).center);
  const uses = new Map<Op, Map<number, ConstantUse>>();
  for (const norm of centring) {
    const value = norm.operand(0);
    const found = rotatedChannels(value, rankOf(value) - 1, lastOf(value) as number, { within: true });
    if ('refused' in found) return found;
    for (const use of found.writers) uses.set(use.op, (uses.get(use.op) ?? new Map()).set(use.index, use));
  }
  return { centred: [...uses.values()].flatMap((ofOp) => [...ofOp.values()]), norms: centring };
}

/** A value that layers alone can be told to read rotated, at the price of rotating it at run time. */
export interface LayerInput {
  readonly value: Value;
  readonly channels: number;
  readonly layers: readonly Op[];
}

/** Inputs of layers that no rotation by constants reaches: behind products, activations and gains that others read too. */
export function layerInputs(block: Block, blockOf: BlockOf): LayerInput[] {
  const found = [residualStreams(block, blockOf), headValues(block, blockOf)].flatMap(({ sites }) => sites);
  const rotatable = new Set(found.flatMap(({ channels }) => [...channels.values.keys()]));
  const values = [...block.args, ...[...block.ops()].flatMap(({ results }) => results)];
  return values.flatMap((value): LayerInput[] => {
    const channels = lastOf(value);
    const layers = layersReading(value);
    return channels === undefined || layers.length === 0 || rotatable.has(value) ? [] : [{ value, channels, layers }];
  });
}

/** The product of queries and keys, or the attention that takes it, and the two values in it whose last axis is a head's. */
export interface Scores {
  readonly product: Op;
  /** Operands that may be replaced by rotated ones. */
  readonly queries: { readonly op: Op; readonly index: number };
  readonly keys: { readonly op: Op; readonly index: number };
  readonly channels: number;
}

/** Scores of attention whose queries and keys were turned by positions: no constant can rotate these. */
export function rotaryScores(block: Block): Scores[] {
  return [...block.ops()].flatMap((product): Scores[] => {
    if (attention.is(product)) return attentionScores(product);
    if (!matmul.is(product) || product.operands[2] || product.operands.slice(0, 2).some((v) => constantOf(v)))
      return [];
    const [a, b] = [product.operand(0), product.operand(1)];
    const channels = lastOf(a);
    if (channels === undefined || !behindRotary(a, rankOf(a) - 1)) return [];
    const keys = lastAxisUse({ op: product, index: 1 }, rankOf(b) - 2);
    if (!keys || !behindRotary(keys.op.operand(keys.index), rankOf(keys.op.operand(keys.index)) - 1)) return [];
    return [{ product, queries: { op: product, index: 0 }, keys, channels }];
  });
}

function attentionScores(product: Op): Scores[] {
  const channels = lastOf(product.operand(0));
  const turned = [0, 1].every((i) => behindRotary(product.operand(i), rankOf(product.operand(i)) - 1));
  if (channels === undefined || !turned) return [];
  return [{ product, queries: { op: product, index: 0 }, keys: { op: product, index: 1 }, channels }];
}

/** The use, at or before the given one, of a value that has the channels as its last axis. */
function lastAxisUse(use: { op: Op; index: number }, axis: number): { op: Op; index: number } | undefined {
  const value = use.op.operand(use.index);
  if (axis === rankOf(value) - 1) return use;
  const { op } = value;
  const axes = op && value.uses.size === 1 ? operandAxes(op, axis, 1) : undefined;
  const index = axes?.findIndex((at) => at !== undefined) ?? -1;
  return op && index >= 0 && axes?.filter((at) => at !== undefined).length === 1
    ? lastAxisUse({ op, index }, axes[index] as number)
    : undefined;
}

function behindRotary(value: Value, axis: number): boolean {
  const { op } = value;
  if (!op) return false;
  if (rotary.is(op)) return true;
  const axes = operandAxes(op, axis, 1);
  return !!axes?.some((at, i) => at !== undefined && behindRotary(op.operand(i), at));
}

const isOverLast = (op: Op): boolean => {
  const { axis } = normalize.attributesOf(op);
  return axis === -1 || axis === rankOf(op.operand(0)) - 1;
};
const rankOf = (value: Value): number => (value.type as TensorType).shape.length;
const lastOf = (value: Value): number | undefined => {
  const last = value.type.kind === 'tensor' ? value.type.shape.at(-1) : undefined;
  return typeof last === 'number' ? last : undefined;
};
