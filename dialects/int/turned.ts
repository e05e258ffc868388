import { defineOp } from '../../src/ir/index.ts';

/** The same codes. What reads them says so by an attribute of its own; every other op would misread them. */
export const turned = defineOp({
  name: 'int.turned',
  summary: 'The codes of x, held with their sign bits turned over where the machine’s dot product wants them so.',
  operands: { x: 'required' },
  domain: 'codes',
  evaluate: ({ x }) => x,
  lower: { kind: 'elementwise', body: (k, [x]) => k.turned(x as NonNullable<typeof x>) },
});
