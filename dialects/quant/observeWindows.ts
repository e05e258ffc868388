import { attr, defineOp } from '../../src/ir/index.ts';

/**
 * A mark that calibration looks for: the mean of all windows that a convolution sees, [channels, kernel…], padding
 * counted as zeros; without a kernel, the mean of all rows, which is what a matrix product sees.
 */
export const observeWindows = defineOp({
  name: 'quant.observe_windows',
  summary: 'y = x; the mean of the windows of x is collected under the name `stats`.',
  operands: { x: 'required' },
  attributes: {
    stats: attr.string(),
    kernel: attr.ints([]),
    strides: attr.ints([]),
    pads: attr.ints([]),
    dilations: attr.ints([]),
  },
  effect: 'reads',
  typing: 'moves',
  domain: 'codes',
  infer: ({ x }) => x,
  evaluate: ({ x }) => x,
  lower: { kind: 'alias' },
});
