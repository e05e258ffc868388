import {
  attr,
  defineOp,
  expressed,
  isInteger,
  isScalarType,
  type OnnxNode,
  type ScalarType,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import { fromNumbers, isBig, real, toF64, truths } from './elements.ts';

// TensorProto.DataType numbers. Source: onnx/onnx.proto.
const dataTypes: readonly (ScalarType | undefined)[] = [
  ...[undefined, 'f32', 'u8', 'i8', 'u16', 'i16', 'i32', 'i64', undefined, 'i1', 'f16', 'f64', 'u32', 'u64'],
  ...[undefined, undefined, 'bf16', 'f8e4m3fn', 'f8e4m3fnuz', 'f8e5m2', 'f8e5m2fnuz', 'u4', 'i4', 'f4e2m1'],
  ...['f8e8m0', 'u2', 'i2'],
] as (ScalarType | undefined)[];

export const cast = defineOp({
  name: 'nn.cast',
  summary: 'The same numbers in another element type; floats truncate toward zero when they become integers.',
  operands: { x: 'required' },
  attributes: { to: attr.string() },
  infer: ({ x }, { to }) => withElement(x, checked(to)),
  evaluate: ({ x }, { to }) => convert(x, to as DType),
  lower: {
    kind: 'elementwise',
    body: (k, [x], op): Value => k.convert(x as Value, cast.attributesOf(op).to as ScalarType),
  },
  onnx: [
    {
      op: 'Cast',
      build(node): Value {
        const number = node.opset < 6 ? undefined : node.int('to');
        const to = number === undefined ? undefined : dataTypes[number];
        if (!to) return node.refuse(`a cast to element type ${number}`, 'only numbers can be computed with');
        refuseUnsettled(node, to);
        // Saturation and rounding modes concern the 8-bit floats alone.
        const mode = node.string('round_mode', 'up');
        if (node.int('saturate', 1) !== 1 || mode !== 'up') return node.refuse('a cast that does not saturate');
        const x = node.input(0);
        return elementOf(x) === to ? x : node.create(cast, { x }, { to }).result;
      },
    },
    {
      op: 'CastLike',
      build(node): Value {
        const [x, to] = [node.input(0), elementOf(node.input(1))];
        if (node.int('saturate', 1) !== 1) return node.refuse('a cast that does not saturate');
        refuseUnsettled(node, to);
        node.string('round_mode', 'up');
        return elementOf(x) === to ? x : node.create(cast, { x }, { to }).result;
      },
    },
  ],
});

/** Formats without a NaN or without a sign: what they make of such numbers is not agreed on. */
function refuseUnsettled(node: OnnxNode, to: ScalarType): void {
  if (to === 'f4e2m1' || to === 'f8e8m0') node.refuse(`a cast to ${to}`, 'cast to an 8-bit float instead');
}

const elementOf = (value: Value): ScalarType => expressed((value.type as TensorType).element);

function checked(to: string): ScalarType {
  if (isScalarType(to) && to !== 'string' && to !== 'index') return to;
  throw new QcError({ what: `'${to}' is no element type to cast to` });
}

function convert(x: HostTensor, to: DType): HostTensor {
  if (to === 'i1')
    return truths(
      x.shape,
      Uint8Array.from(toF64(x), (v) => (v === 0 ? 0 : 1)),
    );
  if (isBig(x.dtype) && isInteger(to)) {
    const wide = x.data as BigInt64Array;
    if (to === 'i64') return { dtype: to, shape: x.shape, data: BigInt64Array.from(wide) };
    if (to === 'u64') return { dtype: to, shape: x.shape, data: BigUint64Array.from(wide) };
    return fromNumbers(
      to,
      x.shape,
      Float64Array.from(wide, (v) => Number(BigInt.asIntN(32, v))),
    );
  }
  return isInteger(to) ? fromNumbers(to, x.shape, toF64(x)) : real(x.shape, toF64(x));
}
