import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '../../src/numerics/index.ts';
import { planned } from './run.ts';

// Floats of 16 bits in kernels, at every code and around every place where rounding turns.

const codes = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
const formats = [
  { name: 'f16', decode: decodeF16, encode: encodeF16 },
  { name: 'bf16', decode: decodeBf16, encode: encodeBf16 },
] as const;

async function cast(data: Uint16Array | Float32Array, from: string, to: string): Promise<ArrayLike<number>> {
  const module = await planned(
    `func @main(%x: tensor<${data.length}x${from}>) -> (%y: tensor<${data.length}x${to}>) {
  %0 = nn.cast %x {to = "${to}"} : tensor<${data.length}x${to}> loc("cast")
  nn.return %0
}`,
    wasmTarget,
  );
  return (await runWasm(module)).run({ x: data }).y as ArrayLike<number>;
}

describe.each(formats)('$name in a program', ({ name, decode, encode }) => {
  it('is read exactly', async () => {
    const wanted = Float32Array.from(codes, decode);
    expect(await cast(codes, name, 'f32')).toEqual(wanted);
  });

  it('is written nearest, ties to even', async () => {
    // each number, the middle between it and the next one, and the two f32 beside that middle
    const finite = [...codes]
      .map(decode)
      .filter(Number.isFinite)
      .toSorted((a, b) => a - b);
    const largest = finite.at(-1) as number;
    const step = largest - (finite.at(-2) as number);
    const middles = [...finite, largest + step].flatMap((v, i, all) =>
      i === 0 ? [] : [(v + (all[i - 1] as number)) / 2],
    );
    const beside = middles.flatMap((v) => [v, v * (1 + 2 ** -23), v * (1 - 2 ** -23)]);
    const extremes = [0, -0, Infinity, -Infinity, NaN, 3e38, -3e38, 1e-40, -1e-45];
    const x = Float32Array.from([...finite, ...beside, ...extremes]);
    const y = await cast(x, 'f32', name);
    const wrong = [...x].filter((v, i) => {
      const [got, want] = [Number(y[i]), encode(v)];
      return got !== want && !(Number.isNaN(decode(got)) && Number.isNaN(v));
    });
    expect(wrong).toEqual([]);
  });
});
