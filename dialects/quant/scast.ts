import { defineOp, storageOf, type TensorType } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** Between a quantized type and its storage type, or between two quantized types: nothing happens to the codes. */
export const scast = defineOp({
  name: 'quant.scast',
  summary: 'The same codes under another type.',
  operands: { x: 'required' },
  domain: 'codes',
  verify({ x }, _attributes, op) {
    const y = op.result.type as TensorType;
    if (storageOf(x.element) === storageOf(y.element)) return;
    throw new QcError({ what: `${x.key} and ${y.key} store different codes`, help: 'convert with nn.cast' });
  },
  evaluate: ({ x }) => x,
  toOnnx: (_writer, { x }) => x,
  lower: { kind: 'alias' },
});
