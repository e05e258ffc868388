import { defineOp, isInteger, type OnnxNode, type ScalarType, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { like, shifted } from '../kernel/division.ts';
import { type BinaryOp, binary } from './binary.ts';
import { fromNumbers, isBig, toF64 } from './elements.ts';

const notReal = (): never => {
  throw new QcError({ what: 'bits of floats are not operated on', help: 'cast to integers first' });
};

const onBoth = (op: BinaryOp, node: OnnxNode): Value => node.create(op, { a: node.input(0), b: node.input(1) }).result;

export const bitAnd: BinaryOp = binary({
  name: 'bit_and',
  summary: 'The bits that a and b share.',
  evaluate: { real: notReal, int: (a, b) => a & b, big: (a, b) => a & b },
  body: (k, a, b) => k.and(a, b),
  onnx: (op) => [{ op: 'BitwiseAnd', build: (node): Value => onBoth(op, node) }],
  operator: 'BitwiseAnd',
});

export const bitOr: BinaryOp = binary({
  name: 'bit_or',
  summary: 'The bits that a or b has.',
  evaluate: { real: notReal, int: (a, b) => a | b, big: (a, b) => a | b },
  body: (k, a, b) => k.or(a, b),
  onnx: (op) => [{ op: 'BitwiseOr', build: (node): Value => onBoth(op, node) }],
  operator: 'BitwiseOr',
});

export const bitXor: BinaryOp = binary({
  name: 'bit_xor',
  summary: 'The bits in which a and b differ.',
  evaluate: { real: notReal, int: (a, b) => a ^ b, big: (a, b) => a ^ b },
  body: (k, a, b) => k.xor(a, b),
  onnx: (op) => [{ op: 'BitwiseXor', build: (node): Value => onBoth(op, node) }],
  operator: 'BitwiseXor',
});

// Shifts by as many bits as the type has, or more, leave nothing but the sign.

export const shiftLeft: BinaryOp = binary({
  name: 'shift_left',
  summary: 'y = a · 2^b, wrapped into its type.',
  evaluate: {
    real: notReal,
    int: (a, b) => (b < 0 || b > 31 ? 0 : a << b),
    big: (a, b) => (b < 0n || b > 63n ? 0n : a << b),
  },
  body: (k, a, b) => shifted(k, a, b, 'left'),
  onnx: () => [],
});

export const shiftRight: BinaryOp = binary({
  name: 'shift_right',
  summary: 'y = ⌊a / 2^b⌋.',
  evaluate: {
    real: notReal,
    int: (a, b) => Math.floor(a / 2 ** (b < 0 ? 64 : Math.min(b, 64))),
    big: (a, b) => a >> (b < 0n || b > 64n ? 64n : b),
  },
  body: (k, a, b) => shifted(k, a, b, 'right'),
  onnx: () => [
    {
      op: 'BitShift',
      build(node): Value {
        const direction = node.string('direction');
        if (direction !== 'LEFT' && direction !== 'RIGHT') return node.refuse(`the direction '${direction}'`);
        return onBoth(direction === 'LEFT' ? shiftLeft : shiftRight, node);
      },
    },
  ],
});

export const bitNot = defineOp({
  name: 'nn.bit_not',
  summary: 'Every bit of x inverted.',
  operands: { x: 'required' },
  infer({ x }) {
    if (isInteger(x.element as ScalarType)) return x;
    throw new QcError({ what: `the bits of ${x.key} cannot be inverted`, why: 'integers are needed' });
  },
  evaluate({ x }): HostTensor {
    if (isBig(x.dtype)) {
      const data = (x.data as BigInt64Array).map((v) => ~v);
      return { dtype: x.dtype, shape: x.shape, data };
    }
    return fromNumbers(
      x.dtype,
      x.shape,
      toF64(x).map((v) => -v - 1),
    );
  },
  lower: {
    kind: 'elementwise',
    // −x − 1 in two's complement
    body: (k, [x]): Value => k.sub(k.neg(x as Value), like(k, 1, x as Value)),
  },
  onnx: [{ op: 'BitwiseNot', build: (node): Value => node.create(bitNot, { x: node.input(0) }).result }],
  toOnnx: (writer, { x }) => writer.node('BitwiseNot', [x]),
});

export const bitwiseOps = [bitAnd, bitOr, bitXor, shiftLeft, shiftRight, bitNot];
