import { describe, expect, it } from 'vitest';
import { loadWasmRuntime, runWasm } from '../../backends/wasm/index.ts';
import { Module, type Value } from '../../src/ir/index.ts';
import { type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';
import { intrinsics } from '../../src/target/index.ts';
import { dotModel } from './dotModel.ts';
import { flat, generator, kernel, plan, single } from './planned.ts';

type Element = 'i8' | 'u8' | 'i16' | 'i32' | 'f32';
const elements: readonly Element[] = ['i8', 'u8', 'i16', 'i32', 'f32'];

function numbers(element: Element, seed: number, length: number): Int32Array {
  const next = generator(seed * 15485863);
  const array: TypedArray = new (typedArrayOf(element))(length);
  for (let i = 0; i < length; i++) (array as Int32Array)[i] = next() >> (i % 5);
  return array as Int32Array;
}

/** Runs a function of two vectors of `lanes` lanes. */
async function apply(
  element: Element,
  lanes: number,
  length: number,
  build: (k: Parameters<Parameters<typeof single>[2]>[0], a: Value, b: Value) => Value,
): Promise<{ a: number[]; b: number[]; y: number[] }> {
  const inputs = { a: flat(lanes, element), b: flat(lanes, element) };
  const module = single(inputs, { y: flat(length, element) }, (k, buffers) => {
    const [a, b] = [k.load(buffers.a as Value, k.index(0), lanes), k.load(buffers.b as Value, k.index(0), lanes)];
    k.store(build(k, a, b), buffers.y as Value, k.index(0));
  });
  const [a, b] = [numbers(element, lanes, lanes), numbers(element, lanes + 1, lanes)];
  const { y } = (await runWasm(module)).run({ a, b });
  return { a: [...a], b: [...b], y: [...(y as Int32Array)] };
}

describe('vector ops', () => {
  for (const element of elements) {
    const wrap = (v: number) => (new (typedArrayOf(element))(1) as Int32Array).fill(v)[0] as number;
    for (const lanes of [4, 8, 16, 32]) {
      it(`on ${lanes} × ${element}`, async () => {
        const pairs = await apply(element, lanes, 2 * lanes, (k, a, b) => k.interleave(a, b));
        expect(pairs.y).toEqual(pairs.a.flatMap((v, i) => [v, pairs.b[i]]));

        const joined = await apply(element, lanes, 2 * lanes, (k, a, b) => k.concat([a, b]));
        expect(joined.y).toEqual([...joined.a, ...joined.b]);

        const four = await apply(element, lanes, 4 * lanes, (k, a, b) => k.concat([a, b, b, a]));
        expect(four.y).toEqual([...four.a, ...four.b, ...four.b, ...four.a]);

        const sums = await apply(element, lanes, lanes, (k, a, b) => k.addPairs(a, b));
        const all = [...sums.a, ...sums.b];
        const expected = Array.from({ length: lanes }, (_, i) =>
          wrap((all[2 * i] as number) + (all[2 * i + 1] as number)),
        );
        expect(sums.y).toEqual(expected);

        for (const part of [1, 2, 4, 8, 16].filter((n) => n < lanes)) {
          for (let offset = 0; offset < lanes; offset += part) {
            const slice = await apply(element, lanes, part, (k, a) => k.slice(a, offset, part));
            expect(slice.y).toEqual(slice.a.slice(offset, offset + part));
          }
        }

        for (const how of ['add', 'min', 'max'] as const) {
          const { a, y } = await apply(element, lanes, 1, (k, v) => k.reduce(how, v));
          let tree = a;
          while (tree.length > 1) {
            const half = tree.length / 2;
            const join = { add: (p: number, q: number) => wrap(p + q), min: Math.min, max: Math.max }[how];
            tree = tree.slice(0, half).map((v, i) => join(v, tree[i + half] as number));
          }
          expect(y, how).toEqual(tree);
        }

        const splat = await apply(element, lanes, lanes, (k, a) => k.splat(k.slice(a, 1, 1), lanes));
        expect(splat.y).toEqual(Array(lanes).fill(splat.a[1]));
      });
    }
  }

  it('scalars joined into a vector', async () => {
    const { a, y } = await apply('i32', 8, 8, (k, v) =>
      k.concat([7, 6, 5, 4, 3, 2, 1, 0].map((i) => k.slice(v, i, 1))),
    );
    expect(y).toEqual(a.toReversed());
  });
});

describe('contraction instructions', () => {
  for (const [name, lanes] of [
    ['scalar_i8', 1],
    ['scalar_i8', 8],
    ['dot_i16x8', 4],
    ['dot_i16x8', 16],
  ] as const) {
    it(`${name} on ${lanes} lanes`, async () => {
      const { depth, element, meaning } = intrinsics[name];
      const inputs = { c: flat(lanes, 'i32'), w: flat(lanes * depth, element), a: flat(lanes * depth, element) };
      const module = single(inputs, { y: flat(lanes, 'i32') }, (k, b) => {
        const zero = k.index(0);
        const sum = k.load(b.c as Value, zero, lanes);
        const [w, a] = [k.load(b.w as Value, zero, lanes * depth), k.load(b.a as Value, zero, lanes * depth)];
        k.store(k.dot(name, sum, w, a), b.y as Value, zero);
      });
      const c = numbers('i32', 1, lanes);
      // 8-bit codes in 16 bits, the extremes first
      const codes = (seed: number) => {
        const next = generator(seed);
        const array = new (typedArrayOf(element))(lanes * depth) as Int32Array;
        return array.map((_, i) => (i < 3 ? -128 : (next() << 24) >> 24));
      };
      const [w, a] = [codes(2), codes(3)];
      const { y } = (await runWasm(module)).run({ c, w, a });
      expect([...(y as Int32Array)]).toEqual(meaning([...c], [...w], [...a]));
    });
  }

  it('relaxed_dot_i8x16 gives the sums of signed codes where the probe has passed, and is not used elsewhere', async () => {
    const { module, c, a, sums, doubles } = dotModel();
    const exact = (await loadWasmRuntime()).probeRelaxedDot() !== undefined;
    const model = await runWasm(module);
    expect(model.simd).toBe(exact ? 'relaxed' : 'baseline');
    expect(model.run({ c, a })).toEqual({ sums, doubles });
    const baseline = await runWasm(module, { simd: 'baseline' });
    expect(baseline.simd).toBe('baseline');
    expect(baseline.run({ c, a })).toEqual({ sums, doubles });
    if (!exact) await expect(runWasm(module, { simd: 'relaxed' })).rejects.toThrow(/missing or not exact/);
  });

  it('relaxed multiply-add needs no exact dot product', async () => {
    const module = new Module();
    for (const name of ['twice', 'fused']) {
      kernel(module, name, (k) => {
        const [x, y] = [k.buffer('x', 'f32', 'input'), k.buffer('y', 'f32', 'output')];
        const v = k.load(x, k.index(0), 4);
        k.store(k.mulAdd(v, v, k.constant(-1, 'f32', v)), y, k.index(0));
      });
    }
    plan(module, {
      inputs: { x: flat(4, 'f32') },
      outputs: { y: flat(4, 'f32') },
      launches: [{ kernel: 'twice', relaxed: 'fused', places: ['x', 'y'] }],
    });
    const x = Float32Array.of(1 + 2 ** -12, 1 + 2 ** -13, 3, 0.1);
    const roundedTwice = x.map((v) => Math.fround(v * v) - 1);
    const roundedOnce = x.map((v) => v * v - 1);
    expect(roundedOnce).not.toEqual(roundedTwice);
    expect((await runWasm(module, { simd: 'baseline' })).run({ x }).y).toEqual(roundedTwice);
    const model = await runWasm(module, { simd: 'relaxed' });
    expect(model.simd).toBe('relaxed');
    expect([roundedOnce, roundedTwice]).toContainEqual(model.run({ x }).y);
  });
});
