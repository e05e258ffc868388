import { attention } from '../../dialects/nn/attention.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { hadamard } from '../../dialects/nn/hadamard.ts';
import { storedAttention } from '../../dialects/quant/attention.ts';
import { rowDcast } from '../../dialects/quant/rowDcast.ts';
import { storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule, value } from '../../src/rewrite/index.ts';
import { hasAttentionKernel } from '../attended.ts';

/** Rows as they are stored: their elements, and the scales and lows of their groups. */
interface Stored {
  readonly codes: Value;
  readonly scale?: Value | undefined;
  readonly low?: Value | undefined;
}

function storedRows(x: Value): Stored {
  const { op: made } = x;
  if (rowDcast.is(made)) return { codes: made.operand(0), scale: made.operand(1), low: made.operands[2] };
  const isHalf = cast.is(made) && storageOf((made.operand(0).type as TensorType).element) === 'f16';
  return { codes: isHalf ? made.operand(0) : x };
}

// attention(q, row_dcast(k), row_dcast(v), b) == quant.attention(q, k, v, b)
const onCodes = rule(
  'attention-on-codes',
  op(attention, { query: value('query'), key: value('key'), value: value('values') }),
  ({ root, query, key: keys, values }, rewriter) => {
    const [k, v] = [storedRows(keys), storedRows(values)];
    if ((k.codes === keys && v.codes === values) || !hasAttentionKernel(root)) return;
    const bias = root.operands[3];
    return rewriter.create(
      storedAttention,
      {
        ...{ query, key: k.codes, value: v.codes, bias, key_scale: k.scale, key_low: k.low },
        ...{ value_scale: v.scale, value_low: v.low },
      },
      attention.attributesOf(root),
    ).result;
  },
);

/** A symmetric transform of what a cache holds, which is a power of two of its rows. */
function transformOf(x: Value): { readonly stored: Value; readonly block: number; readonly scale: number } | undefined {
  const { op: made } = x;
  if (!hadamard.is(made) || !rowDcast.is(made.operand(0).op)) return undefined;
  const { block, scale } = hadamard.attributesOf(made);
  return (block & (block - 1)) === 0 ? { stored: made.operand(0), block, scale } : undefined;
}

// q·(s·H·k) == (s·H·q)·k
const onTurnedKeys = rule(
  'attention-on-turned-keys',
  op(attention, { query: value('query'), key: value('key') }),
  ({ root, query, key: keys }, rewriter) => {
    const found = transformOf(keys);
    if (!found || !hasAttentionKernel(root)) return;
    const { stored, ...how } = found;
    const turned = rewriter.create(hadamard, { x: query }, how, { source: root.source }).result;
    const operands = { ...attention.operandsOf(root), query: turned, key: stored };
    return rewriter.create(attention, operands, attention.attributesOf(root)).result;
  },
);

// Σ p·(s·H·v) == s·H·Σ p·v
const onTurnedValues = rule(
  'attention-on-turned-values',
  op(attention, { value: value('values') }),
  ({ root, values }, rewriter) => {
    const found = transformOf(values);
    if (!found || !hasAttentionKernel(root)) return;
    const { stored, ...how } = found;
    const operands = { ...attention.operandsOf(root), value: stored };
    const sum = rewriter.create(attention, operands, attention.attributesOf(root)).result;
    return rewriter.create(hadamard, { x: sum }, how, { source: root.source }).result;
  },
);

/** Keys and values of caches become real numbers a tile at a time, in the kernel that reads them. */
export const attendCaches = defineRewritePass({
  name: 'attend-caches',
  summary: 'Attention reads keys and values as caches store them: codes of 8 and 4 bits, transformed or not, and f16.',
  phase: 'schedule',
  preserves: { tolerance: 1e-5 },
  rules: [onTurnedKeys, onTurnedValues, onCodes],
});
