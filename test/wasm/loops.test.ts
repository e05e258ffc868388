import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { flat, single } from './planned.ts';

type Body = (k: KernelBuilder, n: Value, put: (value: Value, at: number) => void) => void;

/** Runs a kernel that gets one number and writes i32 results. */
async function run(n: number, length: number, body: Body): Promise<number[]> {
  const module = single({ n: flat(1, 'i32') }, { y: flat(length, 'i32') }, (k, b) => {
    body(k, k.convert(k.load(b.n as Value, k.index(0)), 'index'), (value, at) => {
      k.store(value, b.y as Value, k.index(at));
    });
  });
  const { y } = (await runWasm(module)).run({ n: Int32Array.of(n) });
  return [...(y as Int32Array)];
}

const i32 = (k: KernelBuilder, index: Value) => k.convert(index, 'i32');

describe('loops', () => {
  for (const [n, expected] of [
    [10, 45],
    [1, 0],
    [0, 0],
    [-5, 0],
  ] as const) {
    it(`sum the counter up to ${n}`, async () => {
      const y = await run(n, 1, (k, upper, put) => {
        const [sum] = k.for(0, upper, 1, [k.constant(0, 'i32')], (i, [s]) => [k.add(s as Value, i32(k, i))]);
        put(sum as Value, 0);
      });
      expect(y).toEqual([expected]);
    });
  }

  it('take steps, from a lower bound that is a value too', async () => {
    const y = await run(3, 2, (k, n, put) => {
      const upper = k.scaled(n, 7);
      const one = k.constant(1, 'i32');
      const start = k.constant(0, 'i32');
      const result = k.for(n, upper, 4, [start, start], (i, [turns, last]) => [
        k.add(turns as Value, one),
        k.add(k.mul(last as Value, start), i32(k, i)),
      ]);
      result.forEach(put);
    });
    expect(y).toEqual([5, 19]);
  });

  it('exchange carried values at once', async () => {
    const y = await run(7, 3, (k, n, put) => {
      const start = [1, 2, 3].map((v) => k.constant(v, 'i32'));
      k.for(0, n, 1, start, (_, [a, b, c]) => [b as Value, c as Value, a as Value]).forEach(put);
    });
    expect(y).toEqual([2, 3, 1]);
  });

  it('nest, with values from outside and results of the inner one carried on', async () => {
    const y = await run(4, 2, (k, n, put) => {
      const zero = k.constant(0, 'i32');
      const result = k.for(0, n, 1, [zero, zero], (i, [sum, inners]) => {
        const [inner] = k.for(i, n, 1, [sum as Value], (j, [s]) => [k.add(s as Value, i32(k, k.mul(i, j)))]);
        return [inner as Value, k.add(inners as Value, inner as Value)];
      });
      result.forEach(put);
    });
    let [sum, inners] = [0, 0];
    for (let i = 0; i < 4; i++) {
      for (let j = i; j < 4; j++) sum += i * j;
      inners += sum;
    }
    expect(y).toEqual([sum, inners]);
  });

  it('an inner loop that never runs gives back what it carries', async () => {
    const y = await run(3, 1, (k, n, put) => {
      const [sum] = k.for(0, n, 1, [k.constant(5, 'i32')], (i, [s]) => {
        const [same] = k.for(n, i, 1, [s as Value], (_, [t]) => [k.add(t as Value, k.constant(100, 'i32'))]);
        return [k.add(same as Value, k.constant(1, 'i32'))];
      });
      put(sum as Value, 0);
    });
    expect(y).toEqual([8]);
  });

  it('carry vectors of several registers, and masks', async () => {
    const module = single({ x: flat(64, 'i32') }, { y: flat(16, 'i32'), z: flat(16, 'i32') }, (k, b) => {
      const zero = k.constant(0, 'i32', k.load(b.x as Value, k.index(0), 16));
      const none = k.cmp('ne', zero, k.constant(0, 'i32', zero));
      const [sum, seen] = k.for(0, 64, 16, [zero, none], (i, [s, mask]) => {
        const x = k.load(b.x as Value, i, 16);
        return [k.add(s as Value, x), k.or(mask as Value, k.cmp('lt', x, zero))];
      }) as [Value, Value];
      k.store(sum, b.y as Value, k.index(0));
      k.store(k.select(seen, k.constant(1, 'i32', zero), zero), b.z as Value, k.index(0));
    });
    const x = Int32Array.from({ length: 64 }, (_, i) => i * i - (i % 7) * 90);
    const { y, z } = (await runWasm(module)).run({ x });
    const column = (i: number) => [0, 16, 32, 48].map((at) => x[at + i] as number);
    expect([...(y as Int32Array)]).toEqual(Array.from({ length: 16 }, (_, i) => column(i).reduce((s, v) => s + v)));
    expect([...(z as Int32Array)]).toEqual(Array.from({ length: 16 }, (_, i) => Number(column(i).some((v) => v < 0))));
  });
});
