import { describe, expect, it } from 'vitest';
import { parseStates } from '../../src/api/states.ts';
import {
  boundStates,
  compile,
  declareStates,
  importOnnx,
  instantiate,
  parse,
  print,
  type States,
} from '../../src/index.ts';
import { decodeF16 } from '../../src/numerics/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { attentionModel, expected } from './attention.ts';
import { floats } from './model.ts';
import { relativeError } from './onnxruntime.ts';

type As = 'f16' | 'int8' | 'int4' | 'int4-rotated';

const states = (as: As): States => ({
  present_k: { input: 'past_k', append: { axis: 2, max: 24, as } },
  present_v: { input: 'past_v', append: { axis: 2, max: 24, as } },
});

/** Reals that stored rows stand for, and how far each may be from what was stored. */
function decoded(
  as: As,
  state: Readonly<Record<string, HostTensor>>,
  width: number,
): { value: number; within: number }[] {
  if (as === 'f16') {
    const halves = Array.from(state.past_v?.data as Uint16Array, decodeF16);
    return halves.map((value) => ({ value, within: Math.abs(value) * 2 ** -11 }));
  }
  const [codes, scales, lows] = ['', '.scale', '.low'].map((suffix) => state[`past_v${suffix}`]?.data as Float32Array);
  const groups = Math.ceil(width / 32);
  return Array.from({ length: ((codes as Float32Array).length * (as === 'int8' ? 1 : 2)) / width }, (_, row) =>
    Array.from({ length: width }, (_, i) => {
      const group = row * groups + Math.floor(i / (width / groups));
      const scale = (scales as Float32Array)[group] as number;
      const half = width / 2;
      const byte = codes?.[as === 'int8' ? row * width + i : row * half + (i % half)] as number;
      const value = as === 'int8' ? byte * scale : (i < half ? byte % 16 : byte >> 4) * scale + (lows?.[group] ?? 0);
      return { value, within: scale / 2 };
    }),
  ).flat();
}

type Plain = Exclude<As, 'int4-rotated'>;

const elements = { f16: 'f16', int8: 'i8', int4: 'u8' } as const;
/** Of results, relative. */
const errors = { f16: 0.001, int8: 0.01, int4: 0.15 } as const;

describe('caches stored as codes', () => {
  it.each<[Plain, number, number]>([
    ['f16', 6, 2 * 24 * 12],
    ['int8', 6, 2 * 24 * (6 + 4)],
    ['int8', 64, 2 * 24 * (64 + 2 * 4)],
    ['int4', 6, 2 * 24 * (3 + 2 * 4)],
    ['int4', 64, 2 * 24 * (32 + 4 * 4)],
  ])(
    '%s, rows of %i: each element is the nearest code of what onnxruntime keeps',
    async (as, width, bytes) => {
      const model = attentionModel(width);
      const dims = { T: { min: 1, max: 4 } };
      const { files, manifest } = await compile(importOnnx(model), { target: 'wasm', dims, state: states(as) });
      // two caches of two heads, each part of which begins at a multiple of 64 bytes
      expect(manifest.stateBytes).toBeGreaterThanOrEqual(2 * bytes);
      expect(manifest.stateBytes).toBeLessThan(2 * bytes + 6 * 64);
      const program = await instantiate(files);
      const xs = [3, 1, 4, 1].map((rows, i) => floats([1, 2, rows, width], i + 30));
      const wanted = await expected(xs, model);
      xs.forEach((x, step) => {
        const { y, old } = program.run({ x });
        const reference = wanted[step] as Record<string, HostTensor>;
        expect(relativeError(y as HostTensor, reference.y as HostTensor)).toBeLessThan(errors[as]);
        expect(relativeError(old as HostTensor, reference.old as HostTensor)).toBeLessThan(2 * errors[as]);
        const kept = program.saveState();
        expect(kept.past_v?.dtype).toBe(elements[as]);
        const values = reference.present_v?.data as Float32Array;
        const largest = Math.max(...values.map(Math.abs));
        decoded(as, kept, width).forEach(({ value, within }, i) => {
          expect(Math.abs(value - (values[i] as number))).toBeLessThan(within + 1e-5 * largest);
        });
      });
      const saved = program.saveState();
      const last = floats([1, 2, 2, width], 77);
      const after = program.run({ x: last });
      program.reset();
      expect(program.saveState().past_k?.shape[2]).toBe(0);
      program.loadState(saved);
      expect(program.run({ x: last })).toEqual(after);
    },
    60_000,
  );

  it('int4-rotated: large elements of rows do not spoil the others', async () => {
    const width = 64;
    const model = attentionModel(width, 20);
    const xs = [3, 1, 4].map((rows, i) => floats([1, 2, rows, width], i + 30));
    const wanted = await expected(xs, model);
    const errorOf = async (as: As): Promise<number> => {
      const dims = { T: { min: 1, max: 4 } };
      const { files } = await compile(importOnnx(model), { target: 'wasm', dims, state: states(as) });
      const program = await instantiate(files);
      const found = xs.map((x) => program.run({ x }));
      expect(program.saveState().past_k?.dtype).toBe('u8');
      return Math.max(...found.map(({ y }, i) => relativeError(y as HostTensor, wanted[i]?.y as HostTensor)));
    };
    const [plain, rotated] = [await errorOf('int4'), await errorOf('int4-rotated')];
    expect(rotated).toBeLessThan(errors.int4);
    expect(rotated).toBeLessThan(0.7 * plain);
  }, 60_000);

  it('zeros stay zeros', async () => {
    const { files } = await compile(importOnnx(attentionModel(4)), {
      target: 'wasm',
      dims: { T: 2 },
      state: states('int4'),
    });
    const program = await instantiate(files);
    const { y } = program.run({ x: { dtype: 'f32', shape: [1, 2, 2, 4], data: new Float32Array(16) } });
    expect([...(y as HostTensor).data]).toEqual(new Array(16).fill(0));
  }, 60_000);

  it('are said on the command line and in the text form, and refused where they cannot be', async () => {
    const module = importOnnx(attentionModel(4), { symbols: { T: 1 } });
    const given = parseStates(module, ['present_k=past_k:append axis=2 max=24 as=int4']);
    expect(given).toEqual({ present_k: states('int4').present_k });
    expect(() => parseStates(module, ['present_k=past_k:append axis=2 max=24 as=int5'])).toThrow(
      /as=f16 or as=int8 or as=int4 or as=int4-rotated/,
    );
    boundStates(module, given);
    declareStates(module, given);
    const { text, bin } = print(module);
    expect(text).toContain('{axis = 2, max = 24, as = "int4"}');
    expect(parse(text, bin ? { bin } : {}).states).toEqual(module.states);
    const odd = compile(importOnnx(attentionModel(3)), { target: 'wasm', dims: { T: 1 }, state: states('int4') });
    await expect(odd).rejects.toThrow(/cannot be stored as int4[\s\S]*even size/);
  });
});
