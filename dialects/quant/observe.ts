import { attr, defineOp } from '../../src/ir/index.ts';

/** A mark that calibration looks for; the value passes unchanged. */
export const observe = defineOp({
  name: 'quant.observe',
  summary: 'y = x; the statistics of x are collected under the name `stats`.',
  operands: { x: 'required' },
  attributes: {
    stats: attr.string(),
    /** Whether values end where 8-bit results of their readers do not change any more. */
    informative: attr.bool(true),
    /** Of scores that a softmax reads: how many there are in a row. What lies far below the largest counts as near. */
    row: attr.int(0),
    /** Bits of the codes that the value will have. */
    bits: attr.int(8),
  },
  effect: 'reads',
  typing: 'moves',
  domain: 'codes',
  infer: ({ x }) => x,
  evaluate: ({ x }) => x,
  toOnnx: (_writer, { x }) => x,
  lower: { kind: 'alias' },
});
