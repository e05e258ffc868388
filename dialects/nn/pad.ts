import {
  type AxisIndex,
  addDim,
  attr,
  defineOp,
  integerRange,
  quantOf,
  type TensorType,
  tensor,
  uniformParams,
} from '../../src/ir/index.ts';
import { encodeBf16, encodeF16, quantizeF32 } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis } from './axes.ts';
import { isBig, sameArray } from './elements.ts';
import { rowMajorStrides } from './strided.ts';

export const pad = defineOp({
  name: 'nn.pad',
  summary: 'x with elements before and after each axis: a constant, the nearest edge, or x mirrored at its edge.',
  operands: { x: 'required' },
  attributes: {
    /** All begins, then all ends. */
    pads: attr.ints(),
    /** A real number, also on a quantized type. */
    value: attr.float(0),
    mode: attr.oneOf(['constant', 'edge', 'reflect'], 'constant'),
  },
  typing: 'moves',
  infer({ x }, { pads, mode }) {
    const rank = x.shape.length;
    if (pads.length !== 2 * rank || pads.some((p) => p < 0)) {
      throw new QcError({
        what: `pads = [${pads.join(', ')}] on a tensor of rank ${rank}`,
        why: 'two sizes for each axis',
      });
    }
    const sizes = x.shape.map((dim, i) => addDim(dim, (pads[i] as number) + (pads[i + rank] as number)));
    x.shape.forEach((dim, i) => {
      const reach = Math.max(pads[i] as number, pads[i + rank] as number);
      if (reach === 0 || typeof dim !== 'number') return;
      if ((mode === 'reflect' && reach >= dim) || (mode === 'edge' && dim === 0)) {
        throw new QcError({
          what: `${mode} padding of ${reach} on an axis of ${dim}`,
          why: 'the axis is too short for it',
        });
      }
    });
    return tensor(
      sizes,
      moveQuantAxis(x, (axis) => (sizes[axis] === x.shape[axis] ? axis : undefined)),
      x.layout,
    );
  },
  evaluate({ x }, { pads, value, mode }, { results }): HostTensor {
    const rank = x.shape.length;
    const shape = x.shape.map((dim, i) => dim + (pads[i] as number) + (pads[i + rank] as number));
    const strides = rowMajorStrides(x.shape);
    const offsets = shape.map((size, axis) =>
      Int32Array.from({ length: size }, (_, i) => {
        const place = sourceIndex(i - (pads[axis] as number), x.shape[axis] as number, mode);
        return place < 0 ? -1 : place * (strides[axis] as number);
      }),
    );
    const fill = storedValue(value, results[0] as TensorType);
    const data = sameArray(x, elementCount(shape)) as Float64Array;
    fillPadded(
      data,
      x.data as Float64Array,
      shape,
      offsets,
      isBig(x.dtype) ? (BigInt(fill) as unknown as number) : fill,
    );
    return { dtype: x.dtype, shape, data };
  },
  lower: {
    kind: 'view',
    index(op): AxisIndex[] {
      const { pads, mode } = pad.attributesOf(op);
      if (mode !== 'constant')
        throw new QcError({ what: `${mode} padding has no kernel yet`, help: 'pad with a constant' });
      return pads.slice(0, pads.length / 2).map((begin, axis) => ({ axis, stride: 1, offset: -begin }));
    },
    fill: (op): number => storedValue(pad.attributesOf(op).value, op.result.type as TensorType),
  },
  toOnnx: (writer, { x }, { pads, value, mode }, op) =>
    writer.node('Pad', [x, writer.ints(pads), writer.scalar(value, op.operand(0).type as TensorType)], {
      string: { mode },
    }),
});

/** Where padded place `i` reads on an axis of `size` elements; −1: nowhere. */
function sourceIndex(i: number, size: number, mode: string): number {
  if (i >= 0 && i < size) return i;
  if (mode === 'constant') return -1;
  if (mode === 'edge') return i < 0 ? 0 : size - 1;
  return i < 0 ? -i : 2 * (size - 1) - i;
}

/** A real number as a stored element of a type. */
function storedValue(value: number, type: TensorType): number {
  const quant = quantOf(type);
  if (!quant) return type.element === 'f16' ? encodeF16(value) : type.element === 'bf16' ? encodeBf16(value) : value;
  const uniform = uniformParams(quant);
  if (uniform) return quantizeF32(Math.fround(value), uniform.scale, uniform.zeroPoint, ...integerRange(quant.storage));
  const zeros = new Set(quant.params?.zeroPoint);
  if (value === 0 && zeros.size === 1) return [...zeros][0] as number;
  throw new QcError({ what: `padding with ${value} on ${type.key}`, why: 'the scales differ along the tensor' });
}

function fillPadded(
  to: Float64Array,
  from: Float64Array,
  shape: readonly number[],
  offsets: readonly Int32Array[],
  fill: number,
): void {
  const last = shape.length - 1;
  const columns = offsets[last];
  if (!columns) {
    to[0] = from[0] as number;
    return;
  }
  const rows = to.length === 0 ? 0 : to.length / columns.length;
  for (let row = 0, out = 0; row < rows; row++) {
    let start = 0;
    let rest = row;
    for (let axis = last - 1; axis >= 0; axis--) {
      const size = shape[axis] as number;
      const offset = (offsets[axis] as Int32Array)[rest % size] as number;
      start = offset < 0 || start < 0 ? -1 : start + offset;
      rest = Math.floor(rest / size);
    }
    for (let c = 0; c < columns.length; c++, out++) {
      const offset = columns[c] as number;
      to[out] = start < 0 || offset < 0 ? fill : (from[start + offset] as number);
    }
  }
}
