import {
  attr,
  type Dim,
  defineOp,
  expressed,
  isFloat,
  type OnnxNode,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { knownCount } from './axes.ts';
import { clampInPlace, verifyClamp } from './binary.ts';
import { commonElement } from './broadcast.ts';
import { type ConvParameters, convolve } from './convolve.ts';
import { fromNumbers, real, toF64 } from './elements.ts';
import { checkWindow, readWindow, type Window, windowOutput } from './window.ts';

export { convolve };

/** The window of a convolution whose weights have the shape [CO, CI/group, kernel…]. */
function convWindow(weights: readonly Dim[], { strides, pads, dilations }: ConvParameters): Window {
  return { kernel: weights.slice(2) as number[], strides, pads, dilations };
}

/** The output shape of a convolution. @throws QcError when input, weights and parameters don't fit together. */
export function convShape(x: readonly Dim[], w: readonly Dim[], parameters: ConvParameters): Dim[] {
  const { group } = parameters;
  const fail = (what: string, why: string): never => {
    throw new QcError({ what, why, help: 'export the model again' });
  };
  const shapes = `input [${x.join(', ')}], weights [${w.join(', ')}]`;
  if (x.length < 3 || w.length !== x.length) {
    fail(
      `the ranks of input and weights do not fit: ${shapes}`,
      'they are [N, C, spatial…] and [CO, C/group, kernel…]',
    );
  }
  if (w.some((dim) => typeof dim !== 'number')) fail(`the shape of the weights is not known: ${shapes}`, 'it must be');
  const [outputs, inputs] = w as [number, number];
  if (group < 1 || outputs % group !== 0) {
    fail(
      `group = ${group} with ${outputs} output channels`,
      'the group count must be at least 1 and divide the channels',
    );
  }
  if (typeof x[1] === 'number' && x[1] !== inputs * group) {
    fail(`the channels do not fit: ${shapes}, group ${group}`, `the weights are for ${inputs * group} channels`);
  }
  const window = convWindow(w, parameters);
  checkWindow(window, x.length - 2);
  return [x[0] as Dim, outputs, ...windowOutput(x.slice(2), window)];
}

/** Refuses a bias that is not one number for each output channel. @throws QcError */
export function checkBias(bias: TensorType | undefined, channels: Dim): void {
  if (!bias || (bias.shape.length === 1 && bias.shape[0] === channels)) return;
  throw new QcError({
    what: `the bias has the shape [${bias.shape.join(', ')}]`,
    why: `one number for each of ${channels} output channels is needed`,
    help: 'export the model again',
  });
}

export const conv = defineOp({
  name: 'nn.conv',
  summary: 'y[n, o, p] = bias[o] + Σ x[n, c, p·stride + k·dilation − pad]·w[o, c, k], clamped; padding counts as 0.',
  operands: { x: 'required', w: 'required', bias: 'optional' },
  attributes: {
    strides: attr.ints(),
    pads: attr.ints(),
    dilations: attr.ints(),
    group: attr.int(1),
    clamp: attr.floats([-Infinity, Infinity]),
  },
  infer({ x, w, bias }, attributes) {
    const element = commonElement(bias ? [x, w, bias] : [x, w]);
    checkBias(bias, w.shape[0] ?? 0);
    return tensor(convShape(x.shape, w.shape, attributes), element);
  },
  verify: (_, { clamp }) => verifyClamp(clamp),
  evaluate({ x, w, bias }, attributes, context) {
    const shape = convShape(x.shape, w.shape, attributes) as number[];
    const sums = x.dtype === 'f32' ? context.sums : 'f64';
    const data = convolve(toF64(x), x.shape, toF64(w), w.shape, bias && toF64(bias), attributes, shape, sums);
    if (x.dtype === 'i32') return fromNumbers('i32', shape, data);
    clampInPlace(data, attributes.clamp[0] as number, attributes.clamp[1] as number);
    return real(shape, data);
  },
  cost: ({ w }, _, [y]) => ({ multiplyAdds: knownCount((y as TensorType).shape) * knownCount(w.shape.slice(1)) }),
  lower: { kind: 'template', template: 'conv' },
  onnx: [{ op: 'Conv', build: importConv }],
  toOnnx(writer, { x, w, bias }, { strides, pads, dilations, group, clamp }, op) {
    const { element } = op.result.type as TensorType;
    if (!isFloat(expressed(element))) return writer.refuse(`Conv does not compute on ${expressed(element)}`);
    const y = writer.node('Conv', [x, w, bias], { ints: { strides, pads, dilations }, int: { group } });
    return writer.clip(y, clamp, op.result.type as TensorType);
  },
});

function importConv(node: OnnxNode): Value {
  const [x, w, bias] = [node.input(0), node.input(1), node.optionalInput(2)];
  const kernel = (w.type as TensorType).shape.slice(2);
  if (kernel.some((dim) => typeof dim !== 'number')) return node.refuse('weights whose shape is not known');
  const declared = node.ints('kernel_shape', kernel as number[]);
  if (declared.join() !== kernel.join()) {
    return node.refuse(
      `kernel_shape [${declared.join(', ')}] on weights of [${kernel.join(', ')}]`,
      'export the model again',
    );
  }
  const { strides, pads, dilations } = readWindow(node, kernel as number[], (x.type as TensorType).shape.slice(2));
  const attributes = { strides, pads, dilations, group: node.int('group', 1) };
  return node.create(conv, { x, w, bias }, attributes).result;
}
