import { type Dim, floorDivDim, mulDim, type OnnxMapping, type OnnxNode, type Value } from '../../../src/ir/index.ts';
import { tanh } from '../unary.ts';
import { Compose, elementOf, known, type OpMaker, shapeOf } from './compose.ts';

// Attention as products of matrices, a softmax and an additive bias of 0 and −∞. Source: ONNX Attention, version 24.

interface Heads {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  /** The layout of the result is [batch, sequence, heads·size]. */
  readonly flat: boolean;
}

/** [batch, sequence, heads·size] as [batch, heads, sequence, size]. */
export function splitHeads(c: Compose, x: Value, heads: number): Value {
  const [batch, sequence, hidden] = shapeOf(x) as [Dim, Dim, Dim];
  if (shapeOf(x).length !== 3 || heads < 1) return c.node.refuse(`${heads} heads of [${shapeOf(x).join(', ')}]`);
  const parts = c.reshape(x, [batch, sequence, heads, floorDivDim(hidden, heads)]);
  return c.transpose(parts, [0, 2, 1, 3]);
}

/** [batch, heads, sequence, size] as [batch, sequence, heads·size]. */
export function joinHeads(c: Compose, x: Value): Value {
  const [batch, heads, sequence, size] = shapeOf(x) as [Dim, Dim, Dim, Dim];
  return c.reshape(c.transpose(x, [0, 2, 1, 3]), [batch, sequence, mulDim(heads, size)]);
}

function readHeads(c: Compose): Heads {
  const { node } = c;
  const [query, key, value] = [node.input(0), node.input(1), node.input(2)];
  if (shapeOf(query).length === 4) {
    // Of four axes the heads are one; these only repeat its size.
    node.int('q_num_heads', 0);
    node.int('kv_num_heads', 0);
    return { query, key, value, flat: false };
  }
  if (shapeOf(query).length !== 3) return node.refuse(`queries of rank ${shapeOf(query).length}`);
  const [own, shared] = [node.int('q_num_heads'), node.int('kv_num_heads')];
  return {
    query: splitHeads(c, query, own),
    key: splitHeads(c, key, shared),
    value: splitHeads(c, value, shared),
    flat: true,
  };
}

/** Each head of keys or values as often as queries share it. */
export function repeatHeads(c: Compose, x: Value, times: number): Value {
  if (times === 1) return x;
  const [batch, heads, sequence, size] = shapeOf(x) as [Dim, Dim, Dim, Dim];
  const spread = c.expand(c.reshape(x, [batch, heads, 1, sequence, size]), [batch, heads, times, sequence, size]);
  return c.reshape(spread, [batch, mulDim(heads, times), sequence, size]);
}

const integer = (c: Compose, value: number): Value =>
  c.constant({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

/** 0 where the condition holds, −∞ elsewhere. */
export function biasWhere(c: Compose, allowed: Value, like: Value): Value {
  return c.where(allowed, c.scalar(0, like), c.scalar(-Infinity, like));
}

interface Frame {
  readonly like: Value;
  readonly queries: Dim;
  readonly keys: Dim;
  /** How many keys lie before the first query: a number, or one of each batch as [batch, 1, 1, 1]. */
  readonly offset: Value;
}

/** The place of each query on the axis of keys, minus the place of each key. */
function distances(c: Compose, { queries, keys, offset }: Frame): Value {
  const places = c.add(c.count(queries, 'i64', 4, 2), offset);
  return c.sub(places, c.count(keys, 'i64', 4, 3));
}

function maskBias(c: Compose, mask: Value, { like, keys }: Frame): Value {
  const bias = elementOf(mask) === 'i1' ? biasWhere(c, mask, like) : c.cast(mask, elementOf(like));
  const last = shapeOf(bias).length - 1;
  const have = shapeOf(bias)[last] as Dim;
  if (have === keys || have === 1) return bias;
  const [given, wanted] = known(c.node, [have, keys], 'a mask') as [number, number];
  return c.pad(bias, last, 0, Math.max(0, wanted - given), -Infinity);
}

/** Everything that is added to the scores, or undefined. */
function attentionBias(c: Compose, frame: Frame, lengths: Value | undefined): Value | undefined {
  const { node } = c;
  const mask = node.optionalInput(3);
  const parts: Value[] = mask ? [maskBias(c, mask, frame)] : [];
  const within = (allowed: Value) => parts.push(biasWhere(c, allowed, frame.like));
  if (node.int('is_causal', 0) !== 0) within(c.lessOrEqual(integer(c, 0), distances(c, frame)));
  const windows = { left: node.int('left_window_size', -1), right: node.int('right_window_size', -1) };
  if (windows.left >= 0) within(c.lessOrEqual(distances(c, frame), integer(c, windows.left)));
  if (windows.right >= 0) within(c.lessOrEqual(integer(c, -windows.right), distances(c, frame)));
  if (lengths) within(c.less(c.count(frame.keys, 'i64', 4, 3), lengths));
  return parts.length === 0 ? undefined : parts.reduce((a, b) => c.add(a, b));
}

/** Softmax over the keys, the last axis; a query that may see no key at all gets zeros. */
export function probabilities(c: Compose<OpMaker>, scores: Value, bias: Value | undefined): Value {
  const last = shapeOf(scores).length - 1;
  if (!bias) return c.softmax(scores, last);
  const open = c.less(c.scalar(-Infinity, scores), c.largest(bias, [shapeOf(bias).length - 1]));
  return c.where(open, c.softmax(c.add(scores, bias), last), c.scalar(0, scores));
}

function attention(node: OnnxNode): Value[] {
  const c = new Compose(node);
  const { query, key, value, flat } = readHeads(c);
  const [pastKey, pastValue] = [node.optionalInput(4), node.optionalInput(5)];
  const present = {
    key: pastKey ? c.concat([pastKey, key], 2) : key,
    value: pastValue ? c.concat([pastValue, value], 2) : value,
  };
  const [heads, size] = known(node, [shapeOf(query)[1] as Dim, shapeOf(query)[3] as Dim], 'heads') as [number, number];
  const [shared] = known(node, [shapeOf(key)[1] as Dim], 'heads') as [number];
  if (heads % shared !== 0) return node.refuse(`${heads} heads of queries for ${shared} of keys`);
  // The precision of the softmax: evaluation is in f64, kernels in f32.
  node.int('softmax_precision', 1);
  const given = node.float('scale', 0);
  const root = c.scalar(Math.sqrt(given === 0 ? 1 / Math.sqrt(size) : given), query);
  const keys = c.mul(repeatHeads(c, present.key, heads / shared), root);
  let scores = c.matmul(c.mul(query, root), c.transpose(keys, [0, 1, 3, 2]));
  const [raw, softcap] = [scores, node.float('softcap', 0)];
  if (softcap > 0) {
    const cap = c.scalar(softcap, query);
    scores = c.mul(c.apply(tanh, c.div(scores, cap)), cap);
  }
  const lengths = node.opset >= 24 ? node.optionalInput(6) : undefined;
  const perBatch = lengths && c.reshape(lengths, [shapeOf(query)[0] as Dim, 1, 1, 1]);
  const queries = shapeOf(query)[2] as Dim;
  const frame = {
    like: query,
    queries,
    keys: shapeOf(present.key)[2] as Dim,
    offset: offsetOf(c, query, pastKey, perBatch),
  };
  const bias = attentionBias(c, frame, perBatch);
  const weights = probabilities(c, scores, bias);
  const y = c.matmul(weights, repeatHeads(c, present.value, heads / shared));
  const shown = [() => raw, () => scores, () => (bias ? c.add(scores, bias) : scores), () => weights];
  const mode = node.int('qk_matmul_output_mode', 0);
  const inspected = shown[mode] ?? node.refuse(`qk_matmul_output_mode ${mode}`);
  return [flat ? joinHeads(c, y) : y, present.key, present.value, ...(node.outputCount > 3 ? [inspected()] : [])];
}

/** Keys before the first query: those of the past, or what a cache of fixed size already holds. */
function offsetOf(c: Compose, query: Value, pastKey: Value | undefined, lengths: Value | undefined): Value {
  if (pastKey) return c.size(pastKey, 2);
  return lengths ? c.sub(lengths, c.size(query, 2)) : integer(c, 0);
}

export const attentionMappings: readonly OnnxMapping[] = [{ op: 'Attention', build: attention }];
