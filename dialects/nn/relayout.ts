import { attr, defineOp } from '../../src/ir/index.ts';

export const relayout = defineOp({
  name: 'nn.relayout',
  summary: 'The same tensor in the layout of the result type; elements keep their logical places.',
  operands: { x: 'required' },
  attributes: {
    /** A buffer of its own, even where no element moves. */
    copy: attr.bool(false),
  },
  domain: 'codes',
  typing: 'declared',
  evaluate: ({ x }) => x,
  lower: { kind: 'template', template: 'relayout' },
});
