import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { finish, prepare } from '../../src/api/compile.ts';
import { instantiate } from '../../src/api/instantiate.ts';
import { importOnnx } from '../../src/api/read.ts';
import { type QuantType, quantOf, type TensorType } from '../../src/ir/index.ts';
import type { SchemeName } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { codes, floats, modelOf, positive } from '../onnx/oneNode.ts';

const [N, K, block] = [48, 128, 32];
const x = floats([3, K]);
const model = modelOf({
  name: '',
  op: 'MatMulNBits',
  inputs: [
    x,
    { fixed: codes('u8', [N, K / block, block / 2]) },
    { fixed: positive([(N * K) / block]) },
    undefined,
    undefined,
    { fixed: floats([N]) },
  ],
  attributes: { N, K, bits: 4, block_size: block },
});

async function peer(): Promise<Float32Array> {
  const session = await InferenceSession.create(model);
  const { y } = await session.run({ x0: new Tensor('float32', x.data as Float32Array, [3, K]) });
  return y?.data as Float32Array;
}

async function own(scheme: SchemeName): Promise<{ y: Float32Array; weightsBytes: number }> {
  const { files, manifest } = await finish(await prepare(importOnnx(model), { scheme }), { target: 'wasm' });
  const { y } = (await instantiate(files)).run({ x0: x });
  return { y: (y as HostTensor).data as Float32Array, weightsBytes: manifest.weightsBytes };
}

describe('4-bit weights of another tool', () => {
  it('keep their codes, under the type that quantize-weights gives', () => {
    const product = [...importOnnx(model).ops()].find(({ name }) => name === 'nn.matmul');
    const type = product?.operand(1).type as TensorType;
    expect(type.shape).toEqual([K, N]);
    const { storage, granularity } = quantOf(type) as QuantType;
    expect({ storage, granularity }).toEqual({ storage: 'u4', granularity: { kind: 'block', axis: 0, size: block } });
  });

  it.each([
    ['float', 1e-5],
    ['w4a8', 0.02],
  ] as const)('under %s: onnxruntime’s results, from 5 bits a weight', async (scheme, tolerance) => {
    const expected = await peer();
    const { y, weightsBytes } = await own(scheme);
    const most = Math.max(...expected.map(Math.abs));
    y.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number)) / most).toBeLessThan(tolerance);
    });
    expect((8 * weightsBytes) / (N * K)).toBeLessThan(5.6);
  });
});
