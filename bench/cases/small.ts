import { importOnnx, type SchemeName } from '../../src/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { generator } from '../../src/text/index.ts';
import { type KernelCase, relativeError } from './case.ts';
import { oneNodeModel } from './oneNode.ts';

const random = (seed: number, shape: readonly number[], scale = 1): HostTensor => {
  const next = generator(seed);
  return {
    dtype: 'f32',
    shape,
    data: Float32Array.from({ length: elementCount(shape) }, () => scale * (next() * 2 - 1)),
  };
};

export interface Conv {
  readonly channels: number;
  readonly filters: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
}

export function conv(
  { channels, filters, size, kernel, stride = 1, depthwise = false }: Conv,
  scheme: SchemeName,
): KernelCase {
  const pad = (kernel - 1) / 2;
  const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const depth = depthwise ? 1 : channels;
  const weights = random(2, [filters, depth, kernel, kernel], 1 / Math.sqrt(depth * kernel * kernel));
  const input = random(1, [1, channels, size, size]);
  const onnx = oneNodeModel({
    opType: 'Conv',
    inputs: ['x', ['w', weights]],
    x: input,
    y: { dtype: 'f32', shape: [1, filters, out, out] },
    attributes: {
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
      group: depthwise ? channels : 1,
    },
  });
  const kind = depthwise ? 'depthwise ' : '';
  return {
    name: `${kind}conv ${kernel}×${kernel}${stride > 1 ? ` /${stride}` : ''}, ${channels}→${filters}, ${size}², ${scheme}`,
    multiplyAdds: filters * out * out * depth * kernel * kernel,
    bytes: weights.data.length * (scheme === 'float' ? 4 : 1),
    module: () => importOnnx(onnx),
    scheme,
    input,
    onnx,
    onnxInput: input,
    error: relativeError(scheme === 'float' ? 1e-4 : 0.05),
    ...(scheme === 'float'
      ? { tf: { kind: depthwise ? 'depthwiseConv2d' : 'conv2d', weights, stride, pad } as const }
      : {}),
  };
}

/** What all operators in float that have no weights are measured by. */
const withoutWeights = (onnx: Uint8Array, input: HostTensor) =>
  ({
    bytes: 0,
    module: () => importOnnx(onnx),
    scheme: 'float',
    input,
    onnx,
    onnxInput: input,
    error: relativeError(1e-4),
  }) as const;

export function softmax(rows: number, columns: number): KernelCase {
  const input = random(1, [rows, columns], 8);
  const onnx = oneNodeModel({ opType: 'Softmax', inputs: ['x'], x: input, y: input, attributes: { axis: -1 } });
  return {
    name: `softmax ${rows}×${columns}, float`,
    multiplyAdds: 0,
    ...withoutWeights(onnx, input),
    tf: { kind: 'softmax' },
  };
}

/** Heads of 64 numbers each, over `length` rows that are queries, keys and values. */
export function attention(length: number, heads: number): KernelCase {
  const input = random(1, [1, length, 64 * heads]);
  const onnx = oneNodeModel({
    opType: 'MultiHeadAttention',
    domain: 'com.microsoft',
    opset: 21,
    inputs: ['x', 'x', 'x'],
    x: input,
    y: input,
    attributes: { num_heads: heads },
  });
  return {
    name: `attention ${length} × ${heads} heads of 64, float`,
    multiplyAdds: 2 * length * length * 64 * heads,
    ...withoutWeights(onnx, input),
  };
}

/** The first layer of an image network, a pointwise and a depthwise one, a full 3×3, and softmax. */
export const smallCases: readonly (() => KernelCase)[] = (['float', 'w8a8'] as const)
  .flatMap((scheme) => [
    () => conv({ channels: 3, filters: 16, size: 128, kernel: 3, stride: 2 }, scheme),
    () => conv({ channels: 64, filters: 128, size: 28, kernel: 1 }, scheme),
    () => conv({ channels: 64, filters: 64, size: 28, kernel: 3 }, scheme),
    () => conv({ channels: 64, filters: 64, size: 56, kernel: 3, depthwise: true }, scheme),
  ])
  .concat([() => softmax(256, 256), () => softmax(8, 32000)]);
