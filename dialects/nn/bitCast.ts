import {
  attr,
  bitsOf,
  defineOp,
  type ScalarType,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { bytesOfTensor, type DType, type HostTensor, viewBytes } from '../../src/support/tensor.ts';
import { dataTypeNamed } from './cast.ts';

export const bitCast = defineOp({
  name: 'nn.bit_cast',
  summary: 'The bits of each element read as another type of the same width.',
  operands: { x: 'required' },
  attributes: { to: attr.string() },
  domain: 'codes',
  typing: 'moves',
  infer({ x }, { to }) {
    const { element } = x;
    const alike = typeof element === 'string' && storedBits(element) === storedBits(to as ScalarType);
    if (alike) return withElement(x, to as ScalarType);
    throw new QcError({ what: `the bits of ${x.key} cannot be read as ${to}`, why: 'the widths differ' });
  },
  evaluate({ x }, { to }): HostTensor {
    const data = viewBytes(to as DType, bytesOfTensor(x));
    return { dtype: to as DType, shape: x.shape, data };
  },
  lower: {
    kind: 'elementwise',
    body(k, [x], op): Value {
      const to = bitCast.attributesOf(op).to as ScalarType;
      return bitsOf(to) === 32 ? k.bitcast(x as Value, to) : k.convert(x as Value, to);
    },
  },
  onnx: [
    {
      op: 'BitCast',
      build(node): Value {
        const x = node.input(0);
        const to = dataTypeNamed(node.int('to')) ?? node.refuse('a type of elements that are no numbers');
        return (x.type as TensorType).element === to ? x : node.create(bitCast, { x }, { to }).result;
      },
    },
  ],
});

/** A truth value takes a byte. */
const storedBits = (type: ScalarType) => (type === 'i1' ? 8 : bitsOf(type));
