import { importOnnx, type SchemeName } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { generator } from '../../src/text/index.ts';
import { type KernelCase, relativeError } from './case.ts';
import type { Size } from './matmul.ts';
import { oneNodeModel } from './oneNode.ts';

const group = 32;

/** A MatMulNBits of 4-bit weights in groups of 32. @param accuracy 0: float activations; 4: 8-bit ones */
function nbitsModel({ rows, depth, columns }: Size, accuracy: 0 | 4): Uint8Array {
  const next = generator(3);
  const blocks = depth / group;
  const codes = Uint8Array.from({ length: (columns * depth) / 2 }, () => Math.floor(next() * 256));
  const scales = Float32Array.from({ length: columns * blocks }, () => (next() + 0.5) / 64);
  return oneNodeModel({
    opType: 'MatMulNBits',
    domain: 'com.microsoft',
    opset: 21,
    inputs: [
      'x',
      ['w', { dtype: 'u8', shape: [columns, blocks, group / 2], data: codes }],
      ['s', { dtype: 'f32', shape: [columns * blocks], data: scales }],
    ],
    x: { dtype: 'f32', shape: [rows, depth] },
    y: { dtype: 'f32', shape: [rows, columns] },
    attributes: { N: columns, K: depth, bits: 4, block_size: group, accuracy_level: accuracy },
  });
}

/** In 4 bits and groups of 32; onnxruntime computes on 8-bit activations too where qc does. */
export function nbitsMatmul(size: Size, scheme: SchemeName & ('w4a8' | 'float')): KernelCase {
  const { rows, depth, columns } = size;
  const next = generator(5);
  const x: HostTensor = {
    dtype: 'f32',
    shape: [rows, depth],
    data: Float32Array.from({ length: rows * depth }, () => next() * 2 - 1),
  };
  return {
    name: `4 bits, ${scheme === 'float' ? 'f32' : 'i8'} activations, ${rows}×${depth}×${columns}`,
    multiplyAdds: rows * depth * columns,
    bytes: depth * columns * (0.5 + 4 / group),
    scheme,
    module: () => importOnnx(nbitsModel(size, 0)),
    input: x,
    onnx: nbitsModel(size, scheme === 'float' ? 0 : 4),
    onnxInput: x,
    error: relativeError(scheme === 'float' ? 1e-4 : 0.03),
  };
}
