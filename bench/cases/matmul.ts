import { parse } from '../../src/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import { toBase64 } from '../../src/text/base64.ts';
import { generator, RandomResource } from '../../src/text/index.ts';
import { type KernelCase, largestError, relativeError } from './case.ts';
import { type OneNode, oneNodeModel } from './oneNode.ts';

/** Of a product of a [rows, depth] input `x` and constant weights [depth, columns]. */
export interface Size {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

const sizeText = ({ rows, depth, columns }: Size) => `${rows}×${depth}×${columns}`;

const scalar = (dtype: 'f32' | 'u8' | 'i8', value: number): HostTensor => ({
  dtype,
  shape: [],
  data: dtype === 'f32' ? Float32Array.of(value) : dtype === 'u8' ? Uint8Array.of(value) : Int8Array.of(value),
});

const product = (opType: string, { rows, depth, columns }: Size, dtype: 'f32' | 'u8', inputs: OneNode['inputs']) =>
  oneNodeModel({
    opType,
    inputs,
    x: { dtype, shape: [rows, depth] },
    y: { dtype, shape: [rows, columns] },
  });

/** The values of `random(1, -largest, largest)` in a module's text. */
function randomWeights(dtype: 'f32' | 'i8', count: number, largest: number): TypedArray {
  return new RandomResource('w', dtype, count, 1, { low: -largest, high: largest }).data();
}

const base64 = (value: number) => toBase64(new Uint8Array(Int32Array.of(value).buffer));

/** Of float numbers, without bias; under `w8a8-dynamic` computed in 8 bits. */
export function floatMatmul(size: Size, scheme: 'float' | 'w8a8-dynamic' = 'float'): KernelCase {
  const { rows, depth, columns } = size;
  const next = generator(1);
  const x = {
    dtype: 'f32',
    shape: [rows, depth],
    data: Float32Array.from({ length: rows * depth }, () => next() * 2 - 1),
  } as const;
  const w = randomWeights('f32', depth * columns, 1);
  return {
    name: `f32 ${sizeText(size)}${scheme === 'float' ? '' : `, ${scheme}`}`,
    multiplyAdds: rows * depth * columns,
    bytes: (scheme === 'float' ? 4 : 1) * depth * columns,
    scheme,
    module: () =>
      parse(`
resource @w : f32[${depth * columns}] = random(1, -1, 1)
func @main(%x: tensor<${rows}x${depth}xf32>) -> (%y: tensor<${rows}x${columns}xf32>) {
  %w = nn.constant {value = @w} : tensor<${depth}x${columns}xf32>
  %0 = nn.matmul %x, %w : tensor<${rows}x${columns}xf32> loc("product")
  nn.return %0
}
`),
    input: x,
    onnx: product('MatMul', size, 'f32', ['x', ['w', { dtype: 'f32', shape: [depth, columns], data: w }]]),
    onnxInput: x,
    error: scheme === 'float' ? largestError(1e-3) : relativeError(0.03),
    tf: { kind: 'matMul', weights: { dtype: 'f32', shape: [depth, columns], data: w } },
    peaks: { relaxed: 'relaxedMulAdd', baseline: 'mulAdd' },
  };
}

const [multiplier, shift, zeroPoint] = [1610612736, 42, -7];

/**
 * In 8 bits, one scale, rounded to codes again. onnxruntime gets unsigned activations, its faster case; its results
 * may differ by one, because it multiplies by a float.
 * @param largest of the weights' codes: 7 for weights of 4 bits
 */
export function integerMatmul(size: Size, largest: 127 | 7 = 127): KernelCase {
  const { rows, depth, columns } = size;
  const next = generator(2);
  const codes = () => Math.floor(next() * 256) - 128;
  const x = Int8Array.from({ length: rows * depth }, codes);
  const w = randomWeights('i8', depth * columns, largest);
  const shape = [rows, depth];
  return {
    name: `i8 ${sizeText(size)}${largest === 127 ? '' : ', weights of 4 bits'}`,
    multiplyAdds: rows * depth * columns,
    bytes: depth * columns * (largest === 127 ? 1 : 0.5),
    scheme: 'float',
    module: () =>
      parse(`
quant @qx {scale = [1], zero_point = [${zeroPoint}]}
quant @qy {scale = [1], zero_point = [3]}
resource @w : i8[${depth * columns}] = random(1, -${largest}, ${largest})
resource @m : i32[1] = base64 "${base64(multiplier)}"
resource @s : i32[1] = base64 "${base64(shift)}"
func @main(%x: tensor<${rows}x${depth}x!quant<i8:f32, @qx>>) -> (%y: tensor<${rows}x${columns}x!quant<i8:f32, @qy>>) {
  %w = nn.constant {value = @w} : tensor<${depth}x${columns}xi8>
  %m = nn.constant {value = @m} : tensor<1xi32>
  %s = nn.constant {value = @s} : tensor<1xi32>
  %0 = int.matmul %x, %w {zero_point_a = ${zeroPoint}} : tensor<${rows}x${columns}xi32> loc("product")
  %1 = int.requantize %0, %m, %s {zero_point = 3, min = -128, max = 127} : tensor<${rows}x${columns}x!quant<i8:f32, @qy>> loc("product")
  nn.return %1
}
`),
    input: { dtype: 'i8', shape, data: x },
    onnx: product('QLinearMatMul', size, 'u8', [
      'x',
      ['x_scale', scalar('f32', 1)],
      ['x_zero', scalar('u8', zeroPoint + 128)],
      ['w', { dtype: 'i8', shape: [depth, columns], data: w }],
      ['w_scale', scalar('f32', multiplier / 2 ** shift)],
      ['w_zero', scalar('i8', 0)],
      ['y_scale', scalar('f32', 1)],
      ['y_zero', scalar('u8', 3 + 128)],
    ]),
    onnxInput: { dtype: 'u8', shape, data: Uint8Array.from(x, (code) => code + 128) },
    error: largestError(1, -128),
    peaks: { relaxed: 'relaxedDot', baseline: 'dot' },
  };
}
