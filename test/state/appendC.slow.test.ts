import { describe, expect, it } from 'vitest';
import { runCSteps } from '../../src/cli/host/c.ts';
import { startC } from '../../src/cli/host/cProcess.ts';
import type { NativeSource } from '../../src/cli/host/native.ts';
import { NativeStream } from '../../src/cli/host/stream.ts';
import { compile, importOnnx } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing, sanitized, strict } from '../c/program.ts';
import { bytes, expected, grows } from './attention.ts';
import { floats } from './model.ts';
import { relativeError } from './onnxruntime.ts';

const absent = missing('cc');

async function generated(max: number, dims = { T: { min: 1, max: 4 } }): Promise<NativeSource> {
  const { files, manifest } = await compile(importOnnx(bytes), { target: 'c', name: 'grown', dims, state: grows(max) });
  if (!manifest.c) throw new Error('a C artifact without a signature');
  return { files, signature: manifest.c };
}

describe.skipIf(absent !== '')(`C with open sizes and states that grow${absent}`, { timeout: 120_000 }, () => {
  it.each([
    ['strictly', strict],
    ['with sanitizers', sanitized],
  ])('appends in place, as onnxruntime does with what is handed back: compiled %s', async (_, flags) => {
    const source = await generated(9);
    expect(source.signature.sizes).toEqual([
      { name: 'T', identifier: 'size_T', min: 1, max: 4 },
      { name: 'P', identifier: 'size_P', min: 0, max: 9, grows: { next: ['+', 'T', 'P'], offset: 512 } },
    ]);
    expect(source.signature.stateBytes).toBe(2 * 256 + 4);
    const xs = [3, 1, 4, 1].map((rows, i) => floats([1, 2, rows, 3], i + 30));
    const wanted = await expected(xs);
    const found = runCSteps(
      source,
      xs.map((x) => [x]),
      { flags, selftest: true },
    );
    found.forEach((outputs, step) => {
      source.signature.outputs.forEach(({ name }, i) => {
        const [tensor, reference] = [outputs[i] as HostTensor, wanted[step]?.[name] as HostTensor];
        expect(tensor.shape).toEqual(reference.shape);
        expect(relativeError(tensor, reference)).toBeLessThan(1e-5);
      });
    });
  });

  it('says when nothing more fits, and when a size is out of its bounds', async () => {
    const source = await generated(5);
    const x = (rows: number) => [floats([1, 2, rows, 3], rows)];
    expect(() => runCSteps(source, [x(4), x(2)])).toThrow(/the states have no room for what the run adds/);
    expect(() => runCSteps(source, [x(5)])).toThrow(/a size is out of its bounds/);
    // what the program is sent is what C makes of the sizes
    const stream = new NativeStream(source.signature);
    const { sizes, inputs } = stream.next(x(3));
    expect([sizes.length, inputs.map(({ length }) => length), stream.bytes]).toEqual([4, [72], 4 * (18 + 6 + 18)]);
  });

  it('runs in a process of its own, and begins anew', async () => {
    const source = await generated(9);
    const xs = [2, 3].map((rows) => floats([1, 2, rows, 3], rows + 60));
    const wanted = await expected(xs);
    const process = startC(source);
    try {
      for (const _ of [0, 1]) {
        for (const [step, x] of xs.entries()) {
          const [y] = await process.run([x]);
          expect(relativeError(y as HostTensor, wanted[step]?.y as HostTensor)).toBeLessThan(1e-5);
        }
        process.restart();
      }
      for (const rows of [4, 4]) await process.run([floats([1, 2, rows, 3])]);
      await expect(process.run([floats([1, 2, 2, 3])])).rejects.toThrow(/no room for what the run adds/);
    } finally {
      process.close();
    }
  });
});
