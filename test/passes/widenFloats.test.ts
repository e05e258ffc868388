import { describe, expect, it } from 'vitest';
import { runC } from '../../src/cli/host/c.ts';
import { compile, type HostTensor, instantiate, interpret, parse } from '../../src/index.ts';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '../../src/numerics/index.ts';
import { missing } from '../c/program.ts';
import { opNames, transform, wave } from '../quant/graphs.ts';

const formats = [
  { name: 'f16', decode: decodeF16, encode: encodeF16, step: 2 ** -10 },
  { name: 'bf16', decode: decodeBf16, encode: encodeBf16, step: 2 ** -7 },
] as const;

/** A layer in 16 bits, whose second result a cast of the model rounds. */
const model = (name: string) =>
  parse(`resource @w : f32[32] = random(3, -1, 1)
func @main(%x: tensor<4x8x${name}>) -> (%y: tensor<4x4x${name}>, %z: tensor<4x4xf32>) {
  %f = nn.constant {value = @w} : tensor<8x4xf32> loc("weights")
  %w = nn.cast %f {to = "${name}"} : tensor<8x4x${name}> loc("narrow")
  %0 = nn.matmul %x, %w : tensor<4x4x${name}> loc("layer")
  %1 = nn.tanh %0 : tensor<4x4x${name}> loc("activation")
  %2 = nn.cast %1 {to = "f32"} : tensor<4x4xf32> loc("wide")
  nn.return %1, %2
}
`);

describe.each(formats)('a model in $name', ({ name, decode, encode, step }) => {
  const x = { dtype: name, shape: [4, 8], data: Uint16Array.from(wave(32), encode) } as HostTensor;
  const wanted = interpret(model(name), { x });

  function expectNear(outputs: Readonly<Record<string, HostTensor>>): void {
    const [y, z] = [outputs.y, outputs.z] as [HostTensor, HostTensor];
    expect([y.dtype, z.dtype]).toEqual([name, 'f32']);
    Array.from(wanted.y?.data as Uint16Array, decode).forEach((v, i) => {
      const most = 3 * step * Math.max(1, Math.abs(v));
      expect(Math.abs(decode(y.data[i] as number) - v)).toBeLessThan(most);
      expect(Math.abs((z.data[i] as number) - v)).toBeLessThan(most);
    });
  }

  it('computes in f32 between its inputs, outputs and casts', async () => {
    const module = model(name);
    await transform(module, 'widen-floats');
    expect(opNames(module)).toEqual(['nn.cast', 'nn.cast', 'nn.cast', 'nn.matmul', 'nn.tanh', 'nn.cast']);
    expect(module.main.resultTypes.map(({ key }) => key)).toEqual([`tensor<4x4x${name}>`, 'tensor<4x4xf32>']);
    expectNear(interpret(module, { x }));
  });

  it('runs as wasm', async () => {
    const { files } = await compile(model(name), { target: 'wasm' });
    expectNear((await instantiate(files)).run({ x }));
  });

  it.skipIf(missing('cc'))('runs as C', async () => {
    const { files, manifest } = await compile(model(name), { target: 'c' });
    expect(new TextDecoder().decode(files.get('model.h'))).toContain('uint16_t');
    const [y, z] = runC({ files, signature: manifest.c as NonNullable<typeof manifest.c> }, [x]) as [
      HostTensor,
      HostTensor,
    ];
    expectNear({ y, z });
  });
});
