import { attr, defineOp } from '../../src/ir/index.ts';

/** Index operands count elements of the buffer's type. Loads may reach into the vector of slack behind a buffer. */
export const load = defineOp({
  name: 'kernel.load',
  summary: 'One element, or as many consecutive ones as the result has lanes; no alignment is needed.',
  operands: { buffer: 'required', index: 'required' },
  effect: 'reads',
  typing: 'declared',
});

export const loadSplat = defineOp({
  name: 'kernel.load_splat',
  summary: '`group` consecutive elements, repeated over all lanes of the result.',
  operands: { buffer: 'required', index: 'required' },
  attributes: { group: attr.int(1) },
  effect: 'reads',
  typing: 'declared',
});

export const store = defineOp({
  name: 'kernel.store',
  summary: 'Writes the first `lanes` lanes of a value (all when 0) to consecutive elements, and nothing behind them.',
  operands: { value: 'required', buffer: 'required', index: 'required' },
  attributes: { lanes: attr.int(0) },
  results: [],
  effect: 'writes',
  typing: 'declared',
});

export const table = defineOp({
  name: 'kernel.table',
  summary: 'buffer[index], lane by lane, for indices of 8 bits seen as 0..255.',
  operands: { buffer: 'required', index: 'required' },
  effect: 'reads',
  typing: 'declared',
});

export const setting = defineOp({
  name: 'kernel.setting',
  summary: 'An i32 that the program found out about its machine when it was loaded.',
  operands: {},
  attributes: { name: attr.oneOf(['dot_sign_mask']) },
  typing: 'declared',
});
