import { attr, type Dim, defineOp, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { commonElement } from './broadcast.ts';
import { checkBias, convShape } from './conv.ts';
import { real, toF64 } from './elements.ts';
import { readWindow } from './window.ts';

export const deformConv = defineOp({
  name: 'nn.deform_conv',
  summary:
    'A convolution over two axes whose taps are moved by offsets and weighted by a mask; bilinear between pixels.',
  operands: { x: 'required', w: 'required', offset: 'required', bias: 'optional', mask: 'optional' },
  attributes: {
    strides: attr.ints(),
    pads: attr.ints(),
    dilations: attr.ints(),
    group: attr.int(1),
    offset_group: attr.int(1),
  },
  infer({ x, w, offset, bias, mask }, a) {
    const element = commonElement([x, w, offset, ...(bias ? [bias] : []), ...(mask ? [mask] : [])]);
    if (x.shape.length !== 4)
      throw new QcError({ what: `an input of rank ${x.shape.length}`, why: 'it is [N, C, H, W]' });
    const shape = convShape(x.shape, w.shape, a);
    checkBias(bias, w.shape[0] as Dim);
    const taps = knownCount(w.shape.slice(2)) * a.offset_group;
    if (offset.shape[1] !== 2 * taps || (mask && mask.shape[1] !== taps)) {
      throw new QcError({
        what: `offsets of [${offset.shape.join(', ')}] for ${taps} taps`,
        why: 'each tap of each offset group needs two offsets and one mask',
        help: 'export the model again',
      });
    }
    return tensor(shape, element);
  },
  evaluate({ x, w, offset, bias, mask }, a) {
    const [batches, channels, height, width] = x.shape as [number, number, number, number];
    const shape = convShape(x.shape, w.shape, a) as [number, number, number, number];
    const [, outputs, rows, columns] = shape;
    const [perGroup, kh, kw] = w.shape.slice(1) as [number, number, number];
    const [values, weights, moves] = [toF64(x), toF64(w), toF64(offset)];
    const [offsets, masks] = [bias && toF64(bias), mask && toF64(mask)];
    const [cells, taps] = [rows * columns, kh * kw];
    const perOffsetGroup = channels / a.offset_group;
    const y = new Float64Array(elementCount(shape));
    for (let i = 0; i < y.length; i++) y[i] = offsets?.[Math.floor(i / cells) % outputs] ?? 0;
    for (let n = 0; n < batches; n++) {
      for (let c = 0; c < channels; c++) {
        const plane = values.subarray((n * channels + c) * height * width, (n * channels + c + 1) * height * width);
        const g = n * a.offset_group + Math.floor(c / perOffsetGroup);
        const group = Math.floor(c / perGroup);
        for (let k = 0; k < taps; k++) {
          const [dy, dx] = [(g * taps + k) * 2 * cells, ((g * taps + k) * 2 + 1) * cells];
          for (let cell = 0; cell < cells; cell++) {
            const [row, column] = [Math.floor(cell / columns), cell % columns];
            const top = row * (a.strides[0] as number) - (a.pads[0] as number);
            const left = column * (a.strides[1] as number) - (a.pads[1] as number);
            const v = top + Math.floor(k / kw) * (a.dilations[0] as number) + (moves[dy + cell] as number);
            const h = left + (k % kw) * (a.dilations[1] as number) + (moves[dx + cell] as number);
            const sample = bilinear(plane, height, width, v, h) * (masks?.[(g * taps + k) * cells + cell] ?? 1);
            const each = outputs / a.group;
            for (let o = group * each; o < (group + 1) * each; o++) {
              const weight = weights[(o * perGroup + (c % perGroup)) * taps + k] as number;
              const at = (n * outputs + o) * cells + cell;
              y[at] = (y[at] as number) + weight * sample;
            }
          }
        }
      }
    }
    return real(shape, y);
  },
  cost: ({ w }, _, [y]) => ({ multiplyAdds: knownCount(y?.shape ?? []) * knownCount(w.shape.slice(1)) }),
  onnx: [
    {
      op: 'DeformConv',
      build(node): Value {
        const [x, w, offset] = [node.input(0), node.input(1), node.input(2)];
        const kernel = (w.type as typeof w.type & { shape: readonly Dim[] }).shape.slice(2) as number[];
        if (node.ints('kernel_shape', kernel).join() !== kernel.join())
          return node.refuse('another kernel_shape than that of the weights');
        const { strides, pads, dilations } = readWindow(node, kernel, []);
        const groups = { group: node.int('group', 1), offset_group: node.int('offset_group', 1) };
        const operands = { x, w, offset, bias: node.optionalInput(3), mask: node.optionalInput(4) };
        return node.create(deformConv, operands, { strides, pads, dilations, ...groups }).result;
      },
    },
  ],
});

/** Between four pixels; outside ones count 0. */
function bilinear(plane: Float64Array, height: number, width: number, v: number, h: number): number {
  const [top, left] = [Math.floor(v), Math.floor(h)];
  const [down, right] = [v - top, h - left];
  const at = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width ? (plane[row * width + column] as number) : 0;
  return (
    (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
    down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1))
  );
}
