import {
  biasWhere,
  joinHeads,
  probabilities,
  repeatHeads,
  splitHeads,
} from '../../../dialects/nn/composed/attention.ts';
import { Compose, known, shapeOf } from '../../../dialects/nn/composed/compose.ts';
import { rotated } from '../../../dialects/nn/composed/rotary.ts';
import { gatherElements } from '../../../dialects/nn/gatherElements.ts';
import { tanh } from '../../../dialects/nn/unary.ts';
import { addDim, type Dim, floorDivDim, type OnnxMapping, type OnnxNode, type Value } from '../../ir/index.ts';

// Attention as onnxruntime's optimizer and model builders write it. Source: onnxruntime, docs/ContribOperators.md.

const domain = 'com.microsoft';

const integer = (c: Compose, value: number): Value =>
  c.constant({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

/** Cosines and sines at positions [batch, sequence], each as [batch, sequence, 1, half]. */
function anglesAt(c: Compose, caches: readonly [Value, Value], positions: Value): readonly [Value, Value] {
  const [batch, sequence] = shapeOf(positions) as [Dim, Dim];
  const at = (cache: Value) => c.reshape(c.gather(cache, positions, 0), [batch, sequence, 1, shapeOf(cache)[1] as Dim]);
  return [at(caches[0]), at(caches[1])];
}

/** Pairs of elements turned by the angles of their positions, which are given, or count from one start. */
function importRotary(node: OnnxNode): Value {
  const c = new Compose(node);
  const [input, given, cos, sin] = [0, 1, 2, 3].map((i) => node.input(i)) as [Value, Value, Value, Value];
  if (node.int('is_packed_batching', 0) !== 0) return node.refuse('packed batches');
  if (node.float('scale', 1) !== 1) return node.refuse('a scale other than 1');
  const shape = shapeOf(input);
  const [half] = known(node, [shapeOf(cos)[1] as Dim], 'a cache') as [number];
  const turned = node.int('rotary_embedding_dim', 0) || 2 * half;
  const heads = node.int('num_heads', 0);
  const parted = shape.length === 4 ? c.transpose(input, [0, 2, 1, 3]) : undefined;
  const [batch, sequence, hidden] = shape as [Dim, Dim, Dim];
  const count = heads > 0 ? heads : floorDivDim(hidden, turned);
  const x = parted ?? c.reshape(input, [batch, sequence, count, heads > 0 ? floorDivDim(hidden, heads) : turned]);
  const length = shapeOf(x)[1] as Dim;
  const positions = shapeOf(given).length === 1 ? c.add(c.reshape(given, [1, 1]), c.count(length, 'i64', 2, 1)) : given;
  const y = rotated(c, x, anglesAt(c, [cos, sin], positions), turned, node.int('interleaved', 0) !== 0);
  return parted ? c.transpose(y, [0, 2, 1, 3]) : c.reshape(y, shape);
}

/** y = softmax(q·kᵀ·scale + bias)·v, all [batch, heads, sequence, size]; scores are capped before the bias. */
function attend(
  c: Compose,
  [query, key, value]: readonly [Value, Value, Value],
  bias: Value | undefined,
  softcap = 0,
): Value {
  const [size] = known(c.node, [shapeOf(query)[3] as Dim], 'a head') as [number];
  const factor = c.node.float('scale', 0) || 1 / Math.sqrt(size);
  const scores = c.matmul(c.mul(query, c.scalar(factor, query)), c.transpose(key, [0, 1, 3, 2]));
  const cap = c.scalar(softcap || 1, query);
  const capped = softcap > 0 ? c.mul(c.apply(tanh, c.div(scores, cap)), cap) : scores;
  return c.matmul(probabilities(c, capped, bias), value);
}

/** What a mask of keys adds to the scores: [batch] holds lengths, [batch, keys] ones for keys that count. */
function paddingBias(c: Compose, mask: Value, keys: Dim, like: Value): Value {
  const shape = shapeOf(mask);
  const filter = c.scalar(c.node.float('mask_filter_value', -10000), like);
  const none = c.scalar(0, like);
  if (shape.length === 1) {
    const lengths = c.reshape(c.cast(mask, 'i64'), [shape[0] as Dim, 1, 1, 1]);
    return c.where(c.less(c.count(keys, 'i64', 4, 3), lengths), none, filter);
  }
  if (shape.length !== 2) return c.node.refuse(`a key_padding_mask of rank ${shape.length}`);
  const kept = c.reshape(c.cast(mask, 'i64'), [shape[0] as Dim, 1, 1, shape[1] as Dim]);
  return c.where(c.less(integer(c, 0), kept), none, filter);
}

function importMultiHead(node: OnnxNode): (Value | undefined)[] {
  const c = new Compose(node);
  const heads = node.int('num_heads');
  const [query, key, value] = [node.input(0), node.optionalInput(1), node.optionalInput(2)];
  if (!key || !value || shapeOf(query).length !== 3) {
    return node.refuse('queries, keys and values in one tensor', 'export the model with three tensors');
  }
  const bias = node.optionalInput(3);
  const [hidden] = known(node, [shapeOf(query)[2] as Dim], 'an input') as [number];
  /** Heads of one of the three, with its part of the bias. */
  const parted = (x: Value, from: number): Value => {
    if (shapeOf(x).length === 4) return x;
    const size = shapeOf(x)[2] as Dim;
    return splitHeads(c, bias ? c.add(x, c.slice(bias, 0, from, size)) : x, heads);
  };
  const q = parted(query, 0);
  const own = { key: parted(key, hidden), value: parted(value, 2 * hidden) };
  const [pastKey, pastValue] = [node.optionalInput(6), node.optionalInput(7)];
  const present = {
    key: pastKey ? c.concat([pastKey, own.key], 2) : own.key,
    value: pastValue ? c.concat([pastValue, own.value], 2) : own.value,
  };
  if (node.optionalInput(8) ?? node.optionalInput(9)) return node.refuse('a cache that is shared or indirect');
  const [mask, added] = [node.optionalInput(4), node.optionalInput(5)];
  const [queries, keys] = [shapeOf(q)[2] as Dim, shapeOf(present.key)[2] as Dim];
  const parts = [...(mask ? [paddingBias(c, mask, keys, q)] : []), ...(added ? [added] : [])];
  if (node.int('unidirectional', 0) !== 0) {
    const before = pastKey ? c.size(pastKey, 2) : integer(c, 0);
    const places = c.add(c.count(queries, 'i64', 4, 2), before);
    parts.push(biasWhere(c, c.lessOrEqual(c.count(keys, 'i64', 4, 3), places), q));
  }
  const sum = parts.length > 0 ? parts.reduce((a, b) => c.add(a, b)) : undefined;
  const y = joinHeads(c, attend(c, [q, present.key, present.value], sum));
  return [y, present.key, present.value].slice(0, Math.max(1, node.outputCount));
}

interface Cache {
  /** Keys of each batch before the first query: [batch, 1, 1, 1]. */
  readonly before: Value;
  readonly keys: Dim;
}

/** Each batch's past and, right behind it, what is new, in a cache of `keys` places; zeros after it. */
function appended(c: Compose, past: Value | undefined, own: Value, { before, keys }: Cache): Value {
  if (!past) return own;
  const [batch, heads, , size] = shapeOf(own) as [Dim, Dim, Dim, Dim];
  const all = c.concat([past, own], 2);
  const place = c.count(keys, 'i64', 4, 2);
  const behind = c.add(c.sub(place, before), c.size(past, 2));
  const last = c.sub(c.size(all, 2), integer(c, 1));
  const indices = c.where(c.less(place, before), place, c.min(behind, last));
  const operands = { x: all, indices: c.expand(indices, [batch, heads, keys, size]) };
  const placed = c.node.create(gatherElements, operands, { axis: 2 }).result;
  return c.where(c.less(place, c.add(before, c.size(own, 2))), placed, c.scalar(0, own));
}

/** Queries, keys and values with their heads apart; of one tensor when there is no key. */
function groupedHeads(c: Compose, heads: number, shared: number): readonly [Value, Value, Value] {
  const { node } = c;
  const [query, key, value] = [node.input(0), node.optionalInput(1), node.optionalInput(2)];
  if (key && value) return [splitHeads(c, query, heads), splitHeads(c, key, shared), splitHeads(c, value, shared)];
  const [hidden] = known(node, [shapeOf(query)[2] as Dim], 'an input') as [number];
  const size = hidden / (heads + 2 * shared);
  const part = (from: number, count: number) => splitHeads(c, c.slice(query, 2, from * size, count * size), count);
  return [part(0, heads), part(heads, shared), part(heads + shared, shared)];
}

function importGroupQuery(node: OnnxNode): (Value | undefined)[] {
  const c = new Compose(node);
  const [heads, shared] = [node.int('num_heads'), node.int('kv_num_heads')];
  if (node.int('smooth_softmax', 0) > 0) return node.refuse('smooth_softmax');
  if (node.optionalInput(11)) return node.refuse('head sinks');
  const [q, k, v] = groupedHeads(c, heads, shared);
  const [batch, , queries] = shapeOf(q) as [Dim, Dim, Dim];
  const [pastKey, pastValue] = [node.optionalInput(3), node.optionalInput(4)];
  // seqlens_k holds the length of each batch, its new part included, less one
  const lengths = c.reshape(c.cast(node.input(5), 'i64'), [batch, 1, 1, 1]);
  const start = c.sub(c.add(lengths, integer(c, 1)), c.size(q, 2));
  const before = c.max(start, integer(c, 0));
  const total = node.constant(6) ? Number(node.constant(6)?.data[0]) : undefined;
  const held = pastKey ? (shapeOf(pastKey)[2] as Dim) : 0;
  const fits = total !== undefined && typeof held === 'number';
  const keys = fits ? Math.max(held, total) : addDim(held, queries);
  const turn = (x: Value): Value => {
    if (node.int('do_rotary', 0) === 0) return x;
    const caches = [node.input(7), node.input(8)] as const;
    const [half] = known(node, [shapeOf(caches[0])[1] as Dim], 'a cache') as [number];
    const counted = c.add(c.reshape(before, [batch, 1]), c.count(queries, 'i64', 2, 1));
    const angles = anglesAt(c, caches, node.optionalInput(9) ?? counted);
    const y = rotated(c, c.transpose(x, [0, 2, 1, 3]), angles, 2 * half, node.int('rotary_interleaved', 0) !== 0);
    return c.transpose(y, [0, 2, 1, 3]);
  };
  const cache = { before, keys };
  const present = [appended(c, pastKey, turn(k), cache), appended(c, pastValue, v, cache)] as const;
  const places = c.add(c.count(queries, 'i64', 4, 2), before);
  const place = c.count(keys, 'i64', 4, 3);
  const window = node.int('local_window_size', -1);
  const visible = c.lessOrEqual(place, places);
  const near = window > 0 ? c.and(visible, c.less(c.sub(places, place), integer(c, window))) : visible;
  const added = node.optionalInput(10);
  const causal = biasWhere(c, near, q);
  const [allKeys, allValues] = present.map((x) => repeatHeads(c, x, heads / shared)) as [Value, Value];
  const bias = added ? c.add(causal, added) : causal;
  const y = attend(c, [turn(q), allKeys, allValues], bias, node.float('softcap', 0));
  return [joinHeads(c, y), ...present].slice(0, Math.max(1, node.outputCount));
}

export const attentionContribMappings: readonly OnnxMapping[] = [
  { op: 'RotaryEmbedding', domain, build: importRotary },
  { op: 'MultiHeadAttention', domain, build: importMultiHead },
  { op: 'GroupQueryAttention', domain, build: importGroupQuery },
];
