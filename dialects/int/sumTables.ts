import { defineOp, tensor } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** Neighbouring codes of a table, and its entries: one for each choice among the codes. */
export const [tableInputs, tableEntries] = [4, 16];

/** Low bits of an entry: those of eight entries add up in a byte, and so do the bits above them. */
export const lowBits = 5;

/**
 * T[c] = Σ_j c_j·x_j of four neighbouring codes x and every choice c of four bits: what one bit of four weights adds.
 * An entry is in −512..508 and has two bytes: its five low bits, and the five bits above them.
 * Source: Wei et al., T-MAC (2024), section 3; the entries are exact here, not scaled to 8 bits.
 */
export const sumTables = defineOp({
  name: 'int.sum_tables',
  summary:
    'For every four neighbouring codes the 16 sums of some of them, as 16 bytes with the low five bits and 16 with those above: [row, codes / 4, 2, 16] in one axis.',
  operands: { x: 'required' },
  domain: 'codes',
  infer: ({ x }) => tensor([...x.shape.slice(0, -1), 8 * (x.shape.at(-1) as number)], 'u8'),
  evaluate({ x }): HostTensor {
    const codes = x.data as Int8Array;
    const data = new Uint8Array(8 * codes.length);
    for (let i = 0; i < data.length / 2; i++) {
      const [quad, choice] = [Math.floor(i / tableEntries), i % tableEntries];
      let sum = 0;
      for (let j = 0; j < tableInputs; j++) sum += ((choice >> j) & 1) * (codes[quad * tableInputs + j] as number);
      data[2 * tableEntries * quad + choice] = sum & (2 ** lowBits - 1);
      data[2 * tableEntries * quad + tableEntries + choice] = sum >> lowBits;
    }
    return { dtype: 'u8', shape: [...x.shape.slice(0, -1), 8 * (x.shape.at(-1) as number)], data };
  },
  lower: { kind: 'template', template: 'sum_tables' },
});
