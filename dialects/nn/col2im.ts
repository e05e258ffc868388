import { attr, type Dim, defineOp, expressed, floorDivDim, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { product } from './axes.ts';
import { fromNumbers, toF64 } from './elements.ts';
import { checkWindow, type Window, windowOutput, windowTaps } from './window.ts';

export const col2im = defineOp({
  name: 'nn.col2im',
  summary: 'Columns of overlapping blocks put back into an image; where blocks overlap, they add up.',
  operands: { x: 'required' },
  attributes: {
    image: attr.ints(),
    kernel: attr.ints(),
    strides: attr.ints(),
    pads: attr.ints(),
    dilations: attr.ints(),
  },
  infer({ x }, { image, ...window }) {
    checkWindow(window, image.length);
    const blocks = product(windowOutput(image, window));
    const [n, depth, columns] = x.shape;
    const taps = elementCount(window.kernel);
    const fits = typeof depth !== 'number' || depth % taps === 0;
    if (x.shape.length !== 3 || !fits || (typeof columns === 'number' && columns !== blocks)) {
      throw new QcError({
        what: `columns of [${x.shape.join(', ')}] for ${blocks} blocks of ${taps} elements`,
        why: 'they are [N, C·elements, blocks]',
        help: 'export the model again',
      });
    }
    return tensor([n as Dim, floorDivDim(depth as Dim, taps), ...image], expressed(x.element));
  },
  evaluate({ x }, { image, ...window }: { image: readonly number[] } & Window) {
    const blocks = windowOutput(image, window) as number[];
    const [plane, columns, width] = [elementCount(image), elementCount(blocks), blocks.at(-1) as number];
    const taps = windowTaps(window, image, blocks);
    const planes = ((x.shape[0] as number) * (x.shape[1] as number)) / taps.length;
    const stride = window.strides.at(-1) as number;
    const values = toF64(x);
    const y = new Float64Array(planes * plane);
    for (let p = 0; p < planes; p++) {
      for (const { kernel, rows, inside, first, last } of taps) {
        const from = (p * taps.length + kernel) * columns;
        rows.forEach((row, r) => {
          if (inside[r] === 0) return;
          for (let c = first; c < last; c++) {
            const to = p * plane + row + c * stride;
            y[to] = (y[to] as number) + (values[from + r * width + c] as number);
          }
        });
      }
    }
    return fromNumbers(x.dtype, [x.shape[0] as number, planes / (x.shape[0] as number), ...image], y);
  },
  onnx: [
    {
      op: 'Col2Im',
      build(node): Value {
        const image = node.constantNumbers(1) ?? node.refuse('no image shape');
        const kernel = node.constantNumbers(2) ?? node.refuse('no block shape');
        const ones = kernel.map(() => 1);
        const attributes = {
          image,
          kernel,
          strides: node.ints('strides', ones),
          pads: node.ints('pads', [...ones, ...ones].fill(0)),
          dilations: node.ints('dilations', ones),
        };
        return node.create(col2im, { x: node.input(0) }, attributes).result;
      },
    },
  ],
});
