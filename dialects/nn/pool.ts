import { attr, type Dim, defineOp, expressed, type OnnxNode, type TensorType, tensor } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { real, sameArray, toF64 } from './elements.ts';
import { checkWindow, readWindow, type Tap, type Window, windowOutput, windowSpan, windowTaps } from './window.ts';

/** The output shape of a pool over [N, C, spatial…]. @throws QcError */
export function poolShape(x: readonly Dim[], window: Window): Dim[] {
  checkWindow(window, x.length - 2);
  const { kernel, pads } = window;
  if (kernel.some((_, i) => Math.max(pads[i] as number, pads[i + kernel.length] as number) >= windowSpan(window, i))) {
    throw new QcError({
      what: `pads = [${pads.join(', ')}] reach the kernel size [${kernel.join(', ')}]`,
      why: 'a window would see padding alone',
      help: 'export the model again',
    });
  }
  return [x[0] as Dim, x[1] as Dim, ...windowOutput(x.slice(2), window)];
}

/** Visits every input element that each output element sees: (output, input) flat indices, tap by tap. */
export function pool(
  xShape: readonly number[],
  yShape: readonly number[],
  window: Window,
  visit: (output: number, input: number) => void,
): void {
  const taps = windowTaps(window, xShape.slice(2), yShape.slice(2));
  const inPlane = elementCount(xShape.slice(2));
  const outPlane = elementCount(yShape.slice(2));
  const planes = elementCount(xShape.slice(0, 2));
  const columns = yShape.at(-1) as number;
  const stride = window.strides.at(-1) as number;
  for (let p = 0; p < planes; p++) {
    for (const tap of taps) poolPlane(tap, p * outPlane, p * inPlane, columns, stride, visit);
  }
}

function poolPlane(
  { rows, inside, first, last }: Tap,
  output: number,
  input: number,
  columns: number,
  stride: number,
  visit: (output: number, input: number) => void,
): void {
  for (let r = 0; r < rows.length; r++) {
    if (inside[r] === 0) continue;
    for (let c = first; c < last; c++) visit(output + r * columns + c, input + (rows[r] as number) + c * stride);
  }
}

const windowAttributes = { kernel: attr.ints(), strides: attr.ints(), pads: attr.ints() };

/** The window of a pooling node. */
interface PoolWindow {
  readonly window: Window;
  readonly ceiled: boolean;
  /** What ceil_mode added at the end of each axis. */
  readonly extra: readonly number[];
}

/** Reads a pooling node's window; ceil_mode becomes padding at the end. */
export function readPool(node: OnnxNode): PoolWindow {
  const spatial = (node.input(0).type as TensorType).shape.slice(2);
  const kernel = node.ints('kernel_shape');
  if (kernel.length !== spatial.length) {
    return node.refuse(`kernel_shape [${kernel.join(', ')}] on an input with ${spatial.length} spatial axes`);
  }
  const window = readWindow(node, kernel, spatial);
  const autoPad = node.string('auto_pad', 'NOTSET');
  if (node.int('ceil_mode', 0) === 0 || autoPad.startsWith('SAME')) return { window, ceiled: false, extra: [] };
  checkWindow(window, spatial.length);
  const extra = spatial.map((size, i) => {
    if (typeof size !== 'number') return node.refuse(`ceil_mode on the dimension ${size} that is not known`);
    const [begin, end] = [window.pads[i] as number, window.pads[i + spatial.length] as number];
    const stride = window.strides[i] as number;
    const span = windowSpan(window, i);
    let outputs = Math.ceil((size + begin + end - span) / stride) + 1;
    // A window that would begin in the padding at the end is left out.
    if ((outputs - 1) * stride >= size + begin) outputs--;
    return Math.max(0, (outputs - 1) * stride + span - size - begin - end);
  });
  const pads = window.pads.map((pad, i) => (i < spatial.length ? pad : pad + (extra[i - spatial.length] as number)));
  return { window: { ...window, pads }, ceiled: extra.some((e) => e > 0), extra };
}

export const maxPool = defineOp({
  name: 'nn.max_pool',
  summary: 'The largest element in each window; padding takes no part.',
  operands: { x: 'required' },
  attributes: { ...windowAttributes, dilations: attr.ints() },
  typing: 'moves',
  infer: ({ x }, window) => tensor(poolShape(x.shape, window), x.element, x.layout),
  evaluate({ x }, window): HostTensor {
    const shape = poolShape(x.shape, window) as number[];
    const values = toF64(x);
    const best = new Float64Array(elementCount(shape)).fill(-Infinity);
    pool(x.shape, shape, window, (o, i) => {
      const v = values[i] as number;
      if (!(v <= (best[o] as number))) best[o] = v;
    });
    const data = sameArray(x, best.length) as Float64Array;
    data.set(best);
    return { dtype: x.dtype, shape, data };
  },
  cost: () => ({ multiplyAdds: 0 }),
  lower: { kind: 'template', template: 'pool' },
  toOnnx: (writer, { x }, { kernel, strides, pads, dilations }) =>
    writer.node('MaxPool', [x], { ints: { kernel_shape: kernel, strides, pads, dilations } }),
});

export const avgPool = defineOp({
  name: 'nn.avg_pool',
  summary: 'The mean of each window, over all cells or over those inside the input.',
  operands: { x: 'required' },
  attributes: { ...windowAttributes, dilations: attr.ints.optional(), count_include_pad: attr.bool(false) },
  infer: ({ x }, a) => tensor(poolShape(x.shape, avgWindow(a)), expressed(x.element), x.layout),
  evaluate({ x }, a) {
    const window = avgWindow(a);
    const shape = poolShape(x.shape, window) as number[];
    const values = toF64(x);
    const sums = new Float64Array(elementCount(shape));
    const counts = new Int32Array(sums.length);
    pool(x.shape, shape, window, (o, i) => {
      sums[o] = (sums[o] as number) + (values[i] as number);
      counts[o] = (counts[o] as number) + 1;
    });
    const all = elementCount(a.kernel);
    return real(
      shape,
      sums.map((sum, i) => sum / (a.count_include_pad ? all : (counts[i] as number))),
    );
  },
  cost: (_, { kernel }, [y]) => ({ multiplyAdds: knownCount((y as TensorType).shape) * elementCount(kernel) }),
  lower: { kind: 'template', template: 'pool' },
  toOnnx(writer, { x }, { count_include_pad, ...attributes }) {
    const { kernel, strides, pads, dilations } = avgWindow(attributes);
    return writer.node('AveragePool', [x], {
      ints: { kernel_shape: kernel, strides, pads, dilations },
      int: { count_include_pad: count_include_pad ? 1 : 0 },
    });
  },
});

interface AvgAttributes {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[] | undefined;
}

function avgWindow({ kernel, strides, pads, dilations }: AvgAttributes): Window {
  return { kernel, strides, pads, dilations: dilations ?? kernel.map(() => 1) };
}
