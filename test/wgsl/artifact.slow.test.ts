import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { importText } from '../../backends/importText.ts';
import { instantiateWgsl, type WgslModel } from '../../backends/wgsl/host.ts';
import { openDevice } from '../../src/cli/host/webgpu.ts';
import { type Artifact, compile, importOnnx, instantiate, instantiateOnDevice, parse } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { expectSame } from '../differential/same.ts';
import { floats, modelOf, node } from '../state/model.ts';
import { device, missingWebGpu } from './dawn.ts';

type Named = Readonly<Record<string, HostTensor>>;

const source = `
resource @w : f32[48] = random(1, -1, 1)
func @main(%x: tensor<3x8xf32>) -> (%y: tensor<3x6xf32>) {
  %w = nn.constant {value = @w} : tensor<8x6xf32>
  %0 = nn.matmul %x, %w : tensor<3x6xf32> loc("product")
  nn.return %0
}
`;
const x = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
const make = () => compile(parse(source), { target: 'wgsl' });

describe.skipIf(missingWebGpu)(`a wgsl artifact${missingWebGpu}`, () => {
  let artifact: Artifact;
  let model: WgslModel;
  let expected: number[];
  beforeAll(async () => {
    artifact = await make();
    model = await instantiateWgsl(artifact.files, await device());
    const wasm = await instantiate((await compile(parse(source), { target: 'wasm' })).files);
    expected = Array.from(wasm.run({ x: { dtype: 'f32', shape: [3, 8], data: x } }).y?.data as Float32Array);
  });
  afterAll(async () => (await device()).device.destroy());

  const near = (actual: ArrayLike<number>) =>
    expected.forEach((v, i) => {
      expect(actual[i]).toBeCloseTo(v, 5);
    });

  it('is the same files every time', async () => {
    const again = await make();
    expect([...artifact.files.keys()]).toEqual(['model.wgsl', 'model.bin', 'model.js', 'model.d.ts', 'manifest.json']);
    for (const [path, bytes] of artifact.files) expect(bytes, path).toEqual(again.files.get(path));
    expect(artifact.manifest.target).toBe('wgsl');
    expect(artifact.manifest.weightsBytes).toBeGreaterThanOrEqual(192);
  });

  it('runs on arrays', async () => {
    near((await model.run({ x })).y as Float32Array);
    const instance = await instantiateOnDevice(artifact.files, await device());
    near((await instance.run({ x: { dtype: 'f32', shape: [3, 8], data: x } })).y?.data as Float32Array);
  });

  it('runs on buffers of the device, without reading anything back', async () => {
    const { device: gpu } = await device();
    const [from, to] = [gpu.createBuffer({ size: 96, usage: 12 }), gpu.createBuffer({ size: 72, usage: 12 })];
    gpu.queue.writeBuffer(from, 0, x);
    const made = vi.spyOn(gpu, 'createBuffer');
    const results = await model.run({ x: from }, { into: { y: to } });
    // nothing that could be read is made
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
    expect(results.y).toBe(to);
    const staging = gpu.createBuffer({ size: 72, usage: 9 });
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(to, 0, staging, 0, 72);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(1);
    near(new Float32Array(staging.getMappedRange().slice(0)));
  });

  it.each(['float', 'int8'] as const)(
    'keeps states on the device in %s, gives them and takes them back',
    async (scheme) => {
      const bytes = modelOf(
        [node('MatMul', ['h', 'u'], ['hu']), node('Add', ['x', 'hu'], ['hN']), node('Add', ['hN', 'x'], ['y'])],
        [
          ['x', 'f32', [1, 5]],
          ['h', 'f32', [1, 5]],
        ],
        [
          ['y', 'f32', [1, 5]],
          ['hN', 'f32', [1, 5]],
        ],
        { u: floats([5, 5], 8) },
      );
      const steps = [0, 1, 2, 3].map((i) => floats([1, 5], i));
      const calibration = steps.map((step, i) => ({ x: step, h: floats([1, 5], i + 9) }));
      const options = { scheme, calibration, state: { hN: 'h' } };
      const wasm = await instantiate((await compile(importOnnx(bytes), { target: 'wasm', ...options })).files);
      const { files } = await compile(importOnnx(bytes), { target: 'wgsl', ...options });
      const onDevice = await instantiateOnDevice(files, await device());
      const expectLike = (actual: Named, expected: Named) =>
        expectSame(Object.values(actual), Object.values(expected), 1e-6);
      const run = async (one: HostTensor) => expectLike(await onDevice.run({ x: one }), wasm.run({ x: one }));
      for (const one of steps.slice(0, 2)) await run(one);
      const [saved, wanted] = [await onDevice.saveState(), wasm.saveState()];
      expectLike(saved, wanted);
      for (const one of steps.slice(2)) await run(one);
      onDevice.loadState(saved);
      wasm.loadState(wanted);
      await run(steps[2] as HostTensor);
      onDevice.reset();
      wasm.reset();
      await run(steps[0] as HostTensor);
      expect(() => onDevice.loadState({ g: steps[0] as HostTensor })).toThrow("the model has no state 'g'");
      onDevice.destroy();
    },
  );

  it('takes weights as they arrive, in pieces of any size', async () => {
    const { gpu, device: own } = await device();
    const file = (path: string) => artifact.files.get(path) as Uint8Array<ArrayBuffer>;
    const text = (path: string) => new TextDecoder().decode(file(path));
    const { load } = (await importText(text('model.js'))) as {
      load(device: GPUDevice, options: object): Promise<WgslModel>;
    };
    const from = (bytes: Uint8Array, ends: readonly number[]) => {
      const pieces = [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
      const weights = new Response(
        new ReadableStream({
          start(controller) {
            for (const piece of pieces) controller.enqueue(piece);
            controller.close();
          },
        }),
      );
      return load(own, { shader: text('model.wgsl'), weights, languageFeatures: gpu.wgslLanguageFeatures });
    };
    const weights = file('model.bin');
    for (const ends of [[], [1, 3, 6, 11, 18, 82], [64, 127]])
      near((await (await from(weights, ends)).run({ x })).y as Float32Array);
    await expect(from(weights.subarray(0, 100), [9])).rejects.toThrow(/weights have 100 bytes; the model needs \d+/);
  });

  it('says what is wrong with an input', async () => {
    await expect(model.run({})).rejects.toThrow('input "x" is missing');
    await expect(model.run({ x, z: x })).rejects.toThrow('there is no input "z"');
    await expect(model.run({ x: new Int8Array(24) })).rejects.toThrow('must be a Float32Array');
    await expect(model.run({ x: x.subarray(1) })).rejects.toThrow('has 23 elements');
    const { device: gpu } = await device();
    await expect(model.run({ x: gpu.createBuffer({ size: 64, usage: 12 }) })).rejects.toThrow('64 bytes; it takes 96');
  });

  it('runs without the packed dot product', async () => {
    const { gpu, device: own } = await device();
    const i8 = `
resource @w : i8[48] = random(1, -127, 127)
func @main(%x: tensor<3x8xi8>) -> (%y: tensor<3x6xi32>) {
  %w = nn.constant {value = @w} : tensor<8x6xi8>
  %0 = int.matmul %x, %w : tensor<3x6xi32> loc("product")
  nn.return %0
}
`;
    const { files } = await compile(parse(i8), { target: 'wgsl' });
    const codes = Int8Array.from({ length: 24 }, (_, i) => ((i * 37) % 256) - 128);
    const without = { ...gpu, wgslLanguageFeatures: new Set<string>() } as unknown as GPU;
    const [a, b] = await Promise.all(
      [gpu, without].map(async (host) => (await instantiateWgsl(files, { gpu: host, device: own })).run({ x: codes })),
    );
    expect(a).toEqual(b);
  });

  it('says by how much a device is too small', async () => {
    const small = { limits: { maxStorageBufferBindingSize: 128, maxBufferSize: 128 } } as unknown as GPUDevice;
    const { gpu } = await device();
    await expect(instantiateWgsl(artifact.files, { gpu, device: small })).rejects.toThrow(
      /bytes, \d+ more than this device's maxStorageBufferBindingSize of 128/,
    );
  });

  it('says that there is no WebGPU, no adapter or too small a one, and that a device was lost', async () => {
    const script = new TextDecoder().decode(artifact.files.get('model.js'));
    const { load } = (await importText(script)) as { load(): Promise<unknown> };
    await expect(load()).rejects.toThrow('there is no WebGPU here');
    const limits = { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 };
    const found = (adapter?: object) => vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => adapter } });
    found();
    await expect(load()).rejects.toThrow('WebGPU found no adapter');
    const large = script.replace(/"weightsBytes":\d+/, `"weightsBytes":${2 ** 27 + 8}`);
    expect(large).not.toBe(script);
    found({ limits });
    const { load: loadLarge } = (await importText(large)) as { load(): Promise<unknown> };
    await expect(loadLarge()).rejects.toThrow(
      `buffer of ${2 ** 27 + 8} bytes, 8 more than this adapter's maxStorageBufferBindingSize of ${2 ** 27}`,
    );
    vi.unstubAllGlobals();
    const host = await openDevice();
    const lost = await instantiateWgsl(artifact.files, host);
    host.device.destroy();
    await host.device.lost;
    await expect(lost.run({ x })).rejects.toThrow('the device was lost (destroyed)');
  });
});
