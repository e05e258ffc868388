import { importOnnx, type SchemeName } from '../../src/index.ts';
import { encodeF16 } from '../../src/numerics/floats.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { generator } from '../../src/text/index.ts';
import { type KernelCase, relativeError } from './case.ts';
import type { Size } from './matmul.ts';
import { oneNodeModel } from './oneNode.ts';

const group = 32;

/** Weights in groups of 32, row by row of the outputs: codes, the earlier ones in the lower bits, and scales. */
function stored({ depth, columns }: Size, bits: number) {
  const next = generator(3);
  const codes = Uint8Array.from({ length: (columns * depth * bits) / 8 }, () => Math.floor(next() * 256));
  const scales = Float32Array.from({ length: (columns * depth) / group }, () => (next() + 0.5) / 64);
  return { codes, scales };
}

/** A MatMulNBits. @param accuracy 0: float activations; 4: 8-bit ones */
function nbitsModel(size: Size, bits: number, accuracy: 0 | 4): Uint8Array {
  const { rows, depth, columns } = size;
  const { codes, scales } = stored(size, bits);
  const blocks = depth / group;
  return oneNodeModel({
    opType: 'MatMulNBits',
    domain: 'com.microsoft',
    opset: 21,
    inputs: [
      'x',
      ['w', { dtype: 'u8', shape: [columns, blocks, (group * bits) / 8], data: codes }],
      ['s', { dtype: 'f32', shape: [columns * blocks], data: scales }],
    ],
    x: { dtype: 'f32', shape: [rows, depth] },
    y: { dtype: 'f32', shape: [rows, columns] },
    attributes: { N: columns, K: depth, bits, block_size: group, accuracy_level: accuracy },
  });
}

/** In few bits and groups of 32; onnxruntime computes on 8-bit activations too where qc does. */
export function nbitsMatmul(size: Size, scheme: SchemeName & ('w4a8' | 'float'), bits = 4): KernelCase {
  const { rows, depth, columns } = size;
  const next = generator(5);
  const x: HostTensor = {
    dtype: 'f32',
    shape: [rows, depth],
    data: Float32Array.from({ length: rows * depth }, () => next() * 2 - 1),
  };
  return {
    name: `${bits} bits, ${scheme === 'float' ? 'f32' : 'i8'} activations, ${rows}×${depth}×${columns}`,
    multiplyAdds: rows * depth * columns,
    bytes: depth * columns * (bits / 8 + 4 / group),
    scheme,
    module: () => importOnnx(nbitsModel(size, bits, 0)),
    input: x,
    onnx: nbitsModel(size, bits, scheme === 'float' ? 0 : 4),
    onnxInput: x,
    error: relativeError(scheme === 'float' ? 1e-4 : 0.03),
  };
}

/** The 4-bit weights of `nbitsMatmul` as blocks of Q4_0: a scale in f16, then 16 bytes with codes i and i + 16. */
export function asQ4(size: Size): Uint8Array {
  const { codes, scales } = stored(size, 4);
  const blocks = new DataView(new ArrayBuffer(scales.length * 18));
  scales.forEach((scale, block) => {
    blocks.setUint16(18 * block, encodeF16(scale), true);
    const code = (i: number) => ((codes[16 * block + (i >> 1)] as number) >> (4 * (i & 1))) & 15;
    for (let i = 0; i < 16; i++) blocks.setUint8(18 * block + 2 + i, code(i) | (code(i + 16) << 4));
  });
  return new Uint8Array(blocks.buffer);
}
