import { attr, defineOp } from '../../src/ir/index.ts';

export const splat = defineOp({
  name: 'kernel.splat',
  summary: 'A scalar in every lane.',
  operands: { a: 'required' },
  typing: 'declared',
});

export const concat = defineOp({
  name: 'kernel.concat',
  summary: 'The lanes of the operands, one operand after the other.',
  operands: { parts: 'variadic' },
  typing: 'declared',
});

export const slice = defineOp({
  name: 'kernel.slice',
  summary: 'Consecutive lanes from lane `offset` on, a multiple of the result’s lanes.',
  operands: { a: 'required' },
  attributes: { offset: attr.int() },
  typing: 'declared',
});

export const interleave = defineOp({
  name: 'kernel.interleave',
  summary: 'a0 b0 a1 b1 …: twice the lanes of an operand. Of `group` lanes each where so many stay together.',
  operands: { a: 'required', b: 'required' },
  attributes: { group: attr.int(1) },
  typing: 'declared',
});

export const swizzle = defineOp({
  name: 'kernel.swizzle',
  summary:
    'table[index], lane by lane, for indices below 16: every 16 lanes have a table of their own. For targets with registers of 16 bytes.',
  operands: { table: 'required', index: 'required' },
  typing: 'declared',
});

export const addPairs = defineOp({
  name: 'kernel.add_pairs',
  summary: 'a0+a1, a2+a3, …, b0+b1, b2+b3, …: sums of neighbours; integers wrap.',
  operands: { a: 'required', b: 'required' },
  typing: 'declared',
});

export const reduce = defineOp({
  name: 'kernel.reduce',
  summary: 'All lanes joined by add, min or max in a fixed tree: lane i with lane i + n/2, then the halves.',
  operands: { a: 'required' },
  attributes: { op: attr.oneOf(['add', 'min', 'max']) },
  typing: 'declared',
});

export const dot = defineOp({
  name: 'kernel.dot',
  summary: 'accumulator + weights · activations by the instruction named; its meaning is the intrinsic’s.',
  operands: { accumulator: 'required', weights: 'required', activations: 'required' },
  attributes: { intrinsic: attr.string() },
  typing: 'declared',
});

export const splitWord = defineOp({
  name: 'kernel.split_word',
  summary: 'The bytes or halves of a u32 as lanes of 8 or 16 bits, the lowest first.',
  operands: { word: 'required' },
  typing: 'declared',
});

export const joinWord = defineOp({
  name: 'kernel.join_word',
  summary: 'Four lanes of 8 bits, or two of 16, as one u32, the first lane lowest.',
  operands: { lanes: 'required' },
  typing: 'declared',
});
