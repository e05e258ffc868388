import { defineOp, integerRange, type ScalarType, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';

/** Any function of an 8-bit code; passes/integer/unaryTables.ts computes the entries. */
export const table = defineOp({
  name: 'int.table',
  summary: 'y = table[x − qmin], qmin the smallest code of the type of x.',
  operands: { x: 'required', table: 'required' },
  domain: 'codes',
  verify({ x, table: entries }) {
    if (entries.shape.length === 1 && entries.shape[0] === 256 && ['i8', 'u8'].includes(storageOf(x.element))) return;
    throw new QcError({ what: 'a table has 256 entries and is indexed by 8-bit codes' });
  },
  evaluate({ x, table: entries }, _attributes, { results }) {
    const dtype = storageOf((results[0] as TensorType).element) as 'i8';
    const [low] = integerRange(x.dtype as ScalarType);
    const y = new (typedArrayOf(dtype))(x.data.length);
    for (let i = 0; i < y.length; i++) y[i] = entries.data[(x.data[i] as number) - low] as number;
    return { dtype, shape: x.shape, data: y };
  },
  // A kernel indexes a table by the code's byte as 0..255; x − qmin is that byte of a signed code with its sign bit
  // turned over.
  lower: {
    kind: 'elementwise',
    body(k, [x, entries], op): Value {
      const code = x as Value;
      const signed = storageOf((op.operand(0).type as TensorType).element) === 'i8';
      return k.table(entries as Value, signed ? k.xor(code, k.constant(-128, 'i8', code)) : code);
    },
  },
});
