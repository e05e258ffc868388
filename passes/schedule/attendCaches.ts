import { attention } from '../../dialects/nn/attention.ts';
import { cast } from '../../dialects/nn/cast.ts';
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

/** Keys and values of caches become real numbers a tile at a time, in the kernel that reads them. */
export const attendCaches = defineRewritePass({
  name: 'attend-caches',
  summary: 'Attention reads keys and values as caches store them: codes of 8 and 4 bits, and f16.',
  phase: 'schedule',
  preserves: { tolerance: 1e-5 },
  rules: [onCodes],
});
