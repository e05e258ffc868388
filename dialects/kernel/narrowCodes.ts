import { attr, defineOp } from '../../src/ir/index.ts';
import { flatLayout, packCodes as pack } from '../../src/numerics/index.ts';

/** Codes that need fewer than 8 bits, in the order in which a kernel reads them. */
export const narrowCodes = defineOp({
  name: 'kernel.narrow_codes',
  summary: 'Codes plus 2^(bits−1), one after the other in planes of 4, 2 and 1 bits whose vectors hold `lanes` codes.',
  operands: { x: 'required' },
  attributes: { bits: attr.int(), lanes: attr.int() },
  domain: 'codes',
  typing: 'declared',
  evaluate({ x }, { bits, lanes }) {
    const codes = x.data as Int8Array;
    const offset = 2 ** (bits - 1);
    const data = pack(flatLayout(codes.length, bits, lanes), ([i]) => (codes[i as number] as number) + offset);
    return { dtype: 'u8', shape: [data.length], data };
  },
});
