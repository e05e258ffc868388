import { attr, defineOp } from '../../src/ir/index.ts';

/** A mark that calibration looks for; the value passes unchanged. */
export const observe = defineOp({
  name: 'quant.observe',
  summary: 'y = x; the statistics of x are collected under the name `stats`.',
  operands: { x: 'required' },
  attributes: { stats: attr.string() },
  effect: 'reads',
  typing: 'moves',
  domain: 'codes',
  infer: ({ x }) => x,
  evaluate: ({ x }) => x,
  toOnnx: (_writer, { x }) => x,
  lower: { kind: 'alias' },
});
