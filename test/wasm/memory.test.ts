import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { Module, type ScalarType, type Value } from '../../src/ir/index.ts';
import { type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';
import { flat, generator, kernel, plan, single } from './planned.ts';

const size = 96;
const elements = ['i8', 'u8', 'i16', 'u16', 'i32', 'f32'] as const;

function numbers(element: ScalarType, seed: number, length = size): TypedArray {
  const next = generator(seed * 104729);
  const array = new (typedArrayOf(element as 'i8'))(length) as Int32Array;
  for (let i = 0; i < length; i++) array[i] = next() >> (i % 7);
  return array;
}

describe('loads and stores', () => {
  for (const element of elements) {
    it(`move ${element} of every count, and write nothing behind them`, async () => {
      const counts = [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 24, 31, 32];
      const outputs = Object.fromEntries(counts.map((n) => [`y${n}`, flat(size, element)]));
      const module = single({ x: flat(size, element) }, outputs, (k, b) => {
        for (const n of counts) {
          const lanes = [1, 4, 8, 16, 32].find((l) => l >= n) as number;
          k.store(k.load(b.x as Value, k.index(5), lanes), b[`y${n}`] as Value, k.index(3), n);
        }
      });
      const model = await runWasm(module);
      const canary = 77;
      for (const view of Object.values(model.views.outputs)) (view as Int32Array).fill(canary);
      const x = numbers(element, 1);
      const results = model.run({ x });
      for (const n of counts) {
        const expected = new (typedArrayOf(element))(size) as Int32Array;
        expected.fill(canary).set((x as Int32Array).subarray(5, 5 + n), 3);
        expect(results[`y${n}`], `${n} elements`).toEqual(expected);
      }
    });

    it(`reach ${element} at indices that are sums, with parts below zero too`, async () => {
      const module = single({ x: flat(size, element) }, { y: flat(size, element) }, (k, b) => {
        k.loop(0, 4, 1, (i) => {
          const below = k.sub(k.mul(i, k.index(4)), k.index(9));
          const first = k.load(b.x as Value, k.add(below, k.index(9)), 4);
          const second = k.load(b.x as Value, k.add(k.add(k.scaled(i, 4), k.index(2)), k.index(30)), 4);
          k.store(first, b.y as Value, k.scaled(i, 8));
          k.store(second, b.y as Value, k.scaled(i, 8, 4));
        });
      });
      const x = numbers(element, 2) as Int32Array;
      const { y } = (await runWasm(module)).run({ x }) as { y: Int32Array };
      const expected = [0, 1, 2, 3].flatMap((i) => [...x.slice(4 * i, 4 * i + 4), ...x.slice(4 * i + 32, 4 * i + 36)]);
      expect([...y.slice(0, 32)]).toEqual(expected);
    });
  }

  for (const [from, to] of [
    ['i8', 'i16'],
    ['u8', 'i16'],
    ['i8', 'i32'],
    ['u8', 'i32'],
    ['i16', 'i32'],
    ['u16', 'i32'],
    ['i8', 'f32'],
  ] as const) {
    it(`widen ${from} to ${to} while loading`, async () => {
      const lanesTried = [4, 8, 16, 32];
      const outputs = Object.fromEntries(lanesTried.map((lanes) => [`y${lanes}`, flat(lanes, to)]));
      const module = single({ x: flat(size, from) }, outputs, (k, b) => {
        for (const lanes of lanesTried) {
          k.store(k.convert(k.load(b.x as Value, k.index(7), lanes), to), b[`y${lanes}`] as Value, k.index(0));
        }
      });
      const x = numbers(from, 3) as Int32Array;
      const results = (await runWasm(module)).run({ x });
      for (const lanes of lanesTried)
        expect([...(results[`y${lanes}`] as Int32Array)]).toEqual([...x.slice(7, 7 + lanes)]);
    });
  }

  it('a vector loaded once and used twice is read before a store that changes it', async () => {
    const module = single({ x: flat(16, 'i8') }, { y: flat(16, 'i8'), z: flat(16, 'i16') }, (k, b) => {
      k.store(k.load(b.x as Value, k.index(0), 16), b.y as Value, k.index(0));
      const before = k.load(b.y as Value, k.index(0), 16);
      k.store(k.constant(1, 'i8', before), b.y as Value, k.index(0));
      k.store(k.convert(before, 'i16'), b.z as Value, k.index(0));
    });
    const x = numbers('i8', 4, 16) as Int8Array;
    const { y, z } = (await runWasm(module)).run({ x }) as { y: Int8Array; z: Int16Array };
    expect([...y]).toEqual(Array(16).fill(1));
    expect([...z]).toEqual([...x]);
  });

  it('values loaded before a store are those from before it, in a loop too', async () => {
    const module = single({ x: flat(64, 'i16') }, { y: flat(64, 'i16') }, (k, b) => {
      k.loop(0, 64, 8, (i) => k.store(k.load(b.x as Value, i, 8), b.y as Value, i));
      k.loop(0, 32, 8, (i) => {
        const [low, high] = [i, k.add(i, k.index(32))] as const;
        const [p, q] = [k.load(b.y as Value, low, 8), k.load(b.y as Value, high, 8)];
        const negated = k.neg(q);
        k.store(p, b.y as Value, high);
        k.store(negated, b.y as Value, low);
      });
    });
    const x = numbers('i16', 9, 64) as Int16Array;
    const { y } = (await runWasm(module)).run({ x });
    expect(y).toEqual(Int16Array.of(...x.slice(32).map((v) => -v), ...x.slice(0, 32)));
  });

  it('repeat groups', async () => {
    const groups = [
      ['i8', 1, 16],
      ['i8', 4, 16],
      ['i8', 8, 32],
      ['i8', 2, 8],
      ['i16', 2, 8],
      ['i32', 1, 8],
      ['f32', 1, 4],
      ['f32', 4, 16],
    ] as const;
    const module = new Module();
    const inputs = { i8: flat(size, 'i8'), i16: flat(size, 'i16'), i32: flat(size, 'i32'), f32: flat(size, 'f32') };
    const outputs = Object.fromEntries(groups.map(([element, , lanes], n) => [`y${n}`, flat(lanes, element)]));
    groups.forEach(([element, group, lanes], n) => {
      kernel(module, `splat${n}`, (k) => {
        const [x, y] = [k.buffer('x', element, 'input'), k.buffer('y', element, 'output')];
        k.store(k.loadSplat(x, k.index(9), lanes, group), y, k.index(0));
      });
    });
    plan(module, {
      inputs,
      outputs,
      launches: groups.map(([element], n) => ({ kernel: `splat${n}`, places: [element, `y${n}`] })),
    });
    const given = Object.fromEntries(Object.keys(inputs).map((e, i) => [e, numbers(e as 'i8', i + 5)]));
    const results = (await runWasm(module)).run(given);
    groups.forEach(([element, group, lanes], n) => {
      const x = given[element] as Int32Array;
      expect([...(results[`y${n}`] as Int32Array)]).toEqual(
        Array.from({ length: lanes }, (_, i) => x[9 + (i % group)]),
      );
    });
  });

  for (const element of ['i8', 'u8', 'i16', 'f32'] as const) {
    for (const indexElement of ['i8', 'u8'] as const) {
      it(`tables of ${element} by ${indexElement}`, async () => {
        const inputs = { t: flat(256, element), x: flat(256, indexElement) };
        const lanesTried = [1, 4, 8, 16, 32];
        const outputs = Object.fromEntries(lanesTried.map((lanes) => [`y${lanes}`, flat(256, element)]));
        const module = single(inputs, outputs, (k, b) => {
          for (const lanes of lanesTried) {
            k.loop(0, 256, lanes, (i) => {
              k.store(k.table(b.t as Value, k.load(b.x as Value, i, lanes)), b[`y${lanes}`] as Value, i);
            });
          }
        });
        const t = numbers(element, 8, 256) as Int32Array;
        const x = new (typedArrayOf(indexElement))(256) as Int8Array;
        for (let i = 0; i < 256; i++) x[i] = 255 - i;
        const results = (await runWasm(module)).run({ t, x });
        for (const lanes of lanesTried) expect([...(results[`y${lanes}`] as Int32Array)]).toEqual([...t].reverse());
      });
    }
  }

  it('weights and the arena lie apart from inputs and outputs', async () => {
    const module = new Module();
    kernel(module, 'sum', (k) => {
      const [x, w, t] = [k.buffer('x', 'i8', 'input'), k.buffer('w', 'i8', 'weights'), k.buffer('t', 'i8', 'arena')];
      k.store(k.add(k.load(x, k.index(0), 16), k.load(w, k.index(0), 16)), t, k.index(0));
    });
    kernel(module, 'copy', (k) => {
      const [t, y] = [k.buffer('t', 'i8', 'arena'), k.buffer('y', 'i8', 'output')];
      k.store(k.load(t, k.index(0), 16), y, k.index(0));
    });
    const weights = new Uint8Array(128).map((_, i) => i);
    const arena = { space: 'arena', offset: 64, bytes: 16 } as const;
    plan(module, {
      inputs: { x: flat(16, 'i8') },
      outputs: { y: flat(16, 'i8') },
      arenaBytes: 128,
      weights,
      launches: [
        { kernel: 'sum', places: ['x', { space: 'weights', offset: 64, bytes: 16 }, arena] },
        { kernel: 'copy', places: [arena, 'y'] },
      ],
    });
    const x = Int8Array.from({ length: 16 }, (_, i) => -3 * i);
    const { y } = (await runWasm(module)).run({ x });
    expect(y).toEqual(Int8Array.from({ length: 16 }, (_, i) => 64 - 2 * i));
  });

  it('64-bit integers are moved and converted', async () => {
    const outputs = { y: flat(8, 'i64'), n: flat(8, 'i32'), w: flat(8, 'i64'), f: flat(8, 'f32') };
    const module = single({ x: flat(8, 'i64') }, outputs, (k, b) => {
      for (const [at, lanes] of [[0, 4] as const, [4, 1] as const]) {
        k.loop(at, at + 4, lanes, (i) => {
          const x = k.load(b.x as Value, i, lanes);
          k.store(k.add(x, k.constant(3, 'i64', x)), b.y as Value, i);
          const narrow = k.convert(x, 'i32');
          k.store(narrow, b.n as Value, i);
          k.store(k.convert(k.add(narrow, k.constant(0, 'i32', narrow)), 'i64'), b.w as Value, i);
          k.store(k.convert(x, 'f32'), b.f as Value, i);
        });
      }
    });
    const x = BigInt64Array.of(1n, -1n, 2n ** 40n + 5n, -(2n ** 62n), 2n ** 31n, 7n, -(2n ** 33n) - 9n, 2n ** 63n - 1n);
    const { y, n, w, f } = (await runWasm(module)).run({ x });
    expect(y).toEqual(x.map((v) => v + 3n));
    const low = Int32Array.from([...x], (v) => Number(BigInt.asIntN(32, v)));
    expect(n).toEqual(low);
    expect(w).toEqual(BigInt64Array.from([...low], BigInt));
    expect(f).toEqual(Float32Array.from([...x], Number));
  });
});
