import { describe, expect, it } from 'vitest';
import { cudaTarget } from '../../backends/cuda/target.ts';
import { registry } from '../../dialects/index.ts';
import { KernelBuilder, mma } from '../../dialects/kernel/index.ts';
import { runKernel } from '../../dialects/kernel/interpret.ts';
import { type Module, type Value, walk } from '../../src/ir/index.ts';
import { intrinsics } from '../../src/target/index.ts';
import { parse } from '../../src/text/index.ts';
import { type Case, cases } from '../differential/cases.ts';
import { planned, reference, runKernels, seededInputs } from '../differential/run.ts';
import { expectSame } from '../differential/same.ts';
import { largeMatmul } from './largeMatmul.ts';
import { missingShim, runOnShim, sanitized } from './shim.ts';

const usesTiles = (module: Module): boolean =>
  [...module.functions.values()].some(({ body }) => [...walk(body)].some((op) => mma.is(op)));

const cooperative: Case[] = [];
for (const one of [...cases, largeMatmul]) {
  if (/^i8 (conv|matmul)/.test(one.name) && usesTiles(await planned(one.text, cudaTarget))) cooperative.push(one);
}

describe('products of tiles that a warp holds', () => {
  it('are what kernels of many channels are made of', () => {
    expect(cooperative.map(({ name }) => name)).toEqual([
      'i8 convolution, 3x3, many channels',
      'i8 convolution, two groups of many channels',
      'i8 matmul 37x64x48, dequantized',
      'i8 matmul 1040x32x128',
    ]);
  });

  it('are matrix products by the fragments of the PTX manual', () => {
    // one warp: x holds the words of A and B as lanes hold them, y the accumulators
    const k = new KernelBuilder('tiles', 'tiles', 'simt');
    const [x, y] = [k.buffer('x', 'i8', 'input'), k.buffer('y', 'i32', 'output')];
    k.parallel([32], ([lane]) => {
      const words = Array.from({ length: 6 }, (_, i) => k.load(x, k.scaled(lane as Value, 24, 4 * i), 4));
      const sums = k.mma(k.repeated(0, 'i32', 4), words.slice(0, 4), words.slice(4));
      k.store(sums, y, k.scaled(lane as Value, 4));
    });
    const func = k.end();
    const a = Array.from({ length: 16 * 32 }, (_, i) => ((i * 89 + 7) % 256) - 128);
    const b = Array.from({ length: 32 * 8 }, (_, i) => ((i * 57 + 3) % 256) - 128);
    const codes = new Int8Array(32 * 24);
    for (let lane = 0; lane < 32; lane++) {
      const [group, inGroup] = [lane >> 2, lane % 4];
      for (let i = 0; i < 16; i++) {
        const row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
        codes[lane * 24 + i] = a[row * 32 + inGroup * 4 + (i & 3) + (i < 8 ? 0 : 16)] as number;
      }
      for (let i = 0; i < 8; i++) {
        codes[lane * 24 + 16 + i] = b[(inGroup * 4 + (i & 3) + (i < 4 ? 0 : 16)) * 8 + group] as number;
      }
    }
    const sums = new Int32Array(32 * 4);
    runKernel(func, [new Uint8Array(codes.buffer), new Uint8Array(sums.buffer)], { intrinsics });
    for (let lane = 0; lane < 32; lane++) {
      for (let i = 0; i < 4; i++) {
        const [row, column] = [(lane >> 2) + (i < 2 ? 0 : 8), (lane % 4) * 2 + (i & 1)];
        let wanted = 0;
        for (let d = 0; d < 32; d++) wanted += (a[row * 32 + d] as number) * (b[d * 8 + column] as number);
        expect(sums[lane * 4 + i]).toBe(wanted);
      }
    }
  });

  const prepare = async ({ text }: Case) => {
    const inputs = seededInputs(parse(text, { registry }), 11);
    return { module: await planned(text, cudaTarget), inputs, expected: reference(text, inputs) };
  };

  it.each(cooperative)('$name, on the interpreter', async (one) => {
    const { module, inputs, expected } = await prepare(one);
    expectSame(runKernels(module, inputs, cudaTarget), expected, 0);
  });

  describe.skipIf(missingShim)(`in CUDA, on the CPU${missingShim}`, () => {
    it.each(cooperative.flatMap((one, i) => (i < 2 ? [900, 750] : [900]).map((arch) => ({ ...one, arch }))))(
      '$name, for sm_$arch',
      async ({ arch, ...one }) => {
        const { module, inputs, expected } = await prepare(one);
        expectSame(runOnShim(module, inputs, { flags: ['-O1', `-D__CUDA_ARCH__=${arch}`] }), expected, 0);
      },
    );

    it.each(cooperative.slice(0, 1))('$name, under sanitizers', async (one) => {
      const { module, inputs, expected } = await prepare(one);
      expectSame(runOnShim(module, inputs, { flags: sanitized }), expected, 0);
    });

    it.each([
      ['a1 and a2 exchanged', 'a0, a1, a2, a3, b0, b1);\n#else', 'a0, a2, a1, a3, b0, b1);\n#else'],
      ['b0 and b1 exchanged', 'a3, b0, b1);\n#else', 'a3, b1, b0);\n#else'],
      ['c1 and c2 exchanged', '_m16n8k32(c0, c1, c2, c3, a0', '_m16n8k32(c0, c2, c1, c3, a0'],
    ])('a wrong layout is seen: %s', async (_, from, to) => {
      const { module, inputs, expected } = await prepare(cooperative[0] as Case);
      const plant = (text: string) => {
        expect(text.split(from).length).toBe(2);
        return text.replace(from, to);
      };
      // what lies behind the last row is that row once more: by a wrong layout another one, and the last to write wins
      expect(() => expectSame(runOnShim(module, inputs, { plant }), expected, 0)).toThrow(/deeply equal/);
    });
  });
});
