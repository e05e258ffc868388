import { defineOp } from '../../src/ir/index.ts';

export const returnOp = defineOp({
  name: 'nn.return',
  summary: 'Ends a function or a region; its operands are the results.',
  operands: { values: 'variadic' },
  results: [],
  infer: () => [],
  terminator: true,
});
