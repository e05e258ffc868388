import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { type KernelBuilder, type LanewiseName, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import { bitsOf, type ScalarType, type Value } from '../../src/ir/index.ts';
import { type DType, type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';
import { flat, generator, single } from './planned.ts';

const count = 64;
const integers = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32'] as const;
const lanesTried = [1, 4, 8, 16];

type Attributes = Readonly<Record<string, unknown>>;

/** One primitive on one element type: how it is built, and what it makes. */
interface Case {
  readonly name: LanewiseName;
  readonly element: ScalarType;
  readonly to?: ScalarType;
  readonly attributes?: Attributes;
  readonly build: (k: KernelBuilder, a: Value, b: Value, c: Value) => Value;
}

const floatValues = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999997, 1e-30, -1e30, 3e9, -3e9, 127.5, 128.5, -128.5, 255.5],
  ...[
    32767.5,
    65535.5,
    2147483520,
    2147483648,
    -2147483648,
    4294967040,
    Infinity,
    -Infinity,
    Number.NaN,
    8388609,
    -8388609,
  ],
];

/** Extremes in every pairing that the seeds bring, then numbers of all sizes. */
function values(element: ScalarType, seed: number): TypedArray {
  const next = generator(seed * 7919);
  const array = new (typedArrayOf(element === 'index' ? 'i32' : element))(count) as Int32Array;
  for (let i = 0; i < count; i++) {
    const random = next();
    if (element === 'f32') {
      array[i] =
        random & 1
          ? (floatValues[(random >>> 4) % floatValues.length] as number)
          : (random / 65536) * (random & 4 ? 1 : 1e-4);
    } else {
      const half = 2 ** (bitsOf(element) - 1);
      const extremes = [half, half - 1, half + 1, 0, -1, 1];
      array[i] = random & 3 ? random >> ((random >>> 8) & 15) : (extremes[(random >>> 4) % 6] as number);
    }
  }
  return array;
}

const binary = (
  name: 'add' | 'sub' | 'mul' | 'min' | 'max' | 'and' | 'or' | 'xor',
  on: readonly ScalarType[],
): Case[] => on.map((element) => ({ name, element, build: (k, a, b) => k[name](a, b) }));
const float = (name: LanewiseName, build: Case['build']): Case => ({ name, element: 'f32', build });
const shifts = (name: 'shl' | 'shr'): Case[] =>
  integers.flatMap((element) =>
    [1, 5, bitsOf(element) - 1].map((n) => ({
      name,
      element,
      attributes: { count: n },
      build: (k, a) => k[name](a, n),
    })),
  );
const conversions: Case[] = [...integers, 'f32' as const].flatMap((element) =>
  [...integers, 'f32' as const]
    .filter((to) => to !== element)
    .map((to): Case => ({ name: 'convert', element, to, build: (k, a) => k.convert(a, to) })),
);
const narrowings = integers.flatMap((element) =>
  integers
    .filter((to) => bitsOf(to) < bitsOf(element))
    .map((to): Case => ({ name: 'narrow_saturate', element, to, build: (k, a) => k.narrowSaturate(a, to) })),
);
const predicates = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;

const cases: Case[] = [
  ...(['add', 'sub', 'mul', 'min', 'max'] as const).flatMap((name) => binary(name, [...integers, 'f32'])),
  ...(['and', 'or', 'xor'] as const).flatMap((name) => binary(name, integers)),
  float('div', (k, a, b) => k.div(a, b)),
  float('sqrt', (k, a) => k.sqrt(a)),
  float('floor', (k, a) => k.floor(a)),
  float('ceil', (k, a) => k.ceil(a)),
  float('round_even', (k, a) => k.roundEven(a)),
  float('mul_add', (k, a, b, c) => k.mulAdd(a, b, c)),
  ...[...integers, 'f32' as const].flatMap((element): Case[] => [
    { name: 'neg', element, build: (k, a) => k.neg(a) },
    { name: 'abs', element, build: (k, a) => k.abs(a) },
    ...predicates.map((predicate): Case => {
      return { name: 'cmp', element, to: 'i1', attributes: { predicate }, build: (k, a, b) => k.cmp(predicate, a, b) };
    }),
  ]),
  ...shifts('shl'),
  ...shifts('shr'),
  ...conversions,
  ...narrowings,
  ...(
    [
      ['f32', 'i32'],
      ['i32', 'f32'],
      ['f32', 'u32'],
      ['u32', 'i32'],
    ] as const
  ).map(([element, to]): Case => ({ name: 'bitcast', element, to, build: (k, a) => k.bitcast(a, to) })),
  ...[2, 15, 31, 32, 33, 47, 62].map((shift): Case => {
    return { name: 'mul_shift', element: 'i32', attributes: { shift }, build: (k, a, b) => k.mulShift(a, b, shift) };
  }),
];

/** Runs all cases of an element type on a number of lanes in one module. */
async function run(chosen: readonly Case[], lanes: number) {
  const element = chosen[0]?.element as ScalarType;
  const inputs = { a: flat(count, element), b: flat(count, element), c: flat(count, element) };
  const outputs = Object.fromEntries(chosen.map(({ to = element }, i) => [`y${i}`, flat(count, to)]));
  const module = single(inputs, outputs, (k, buffers) => {
    k.loop(0, count, lanes, (i) => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => k.load(buffers[name] as Value, i, lanes)) as [
        Value,
        Value,
        Value,
      ];
      chosen.forEach(({ build }, n) => {
        k.store(build(k, a, b, c), buffers[`y${n}`] as Value, i);
      });
    });
  });
  const model = await runWasm(module, { simd: 'baseline' });
  const given = { a: values(element, 1), b: values(element, 2), c: values(element, 3) };
  return { given, results: model.run(given) };
}

const normalNaN = (v: number | bigint) => (Number.isNaN(v) ? 'NaN' : Object.is(v, -0) ? '-0' : v);

describe('every lanewise primitive means what the dialect says', () => {
  it('covers them all', () => {
    // those of the SIMT family, and what expand-halves writes in others
    const others = ['shl_by', 'shr_by', 'quotient', 'remainder', 'decode_f16', 'encode_f16'];
    const covered = new Set<string>([...cases.map(({ name }) => name), 'select', ...others]);
    expect(Object.keys(lanewisePrimitives).filter((name) => !covered.has(name))).toEqual([]);
  });

  it('shifts by counts and divides indices, one at a time', async () => {
    const outputs = Object.fromEntries(['l', 'r', 'q', 'm'].map((name) => [name, flat(count, 'u32')]));
    const module = single({ a: flat(count, 'u32') }, outputs, (k, buffers) => {
      k.loop(0, count, 1, (i) => {
        const a = k.load(buffers.a as Value, i);
        const by = k.and(k.convert(i, 'u32'), k.constant(31, 'u32'));
        const size = k.convert(k.shr(a, 1), 'index');
        k.store(k.shlBy(a, by), buffers.l as Value, i);
        k.store(k.shrBy(a, by), buffers.r as Value, i);
        k.store(k.convert(k.quotient(size, 7), 'u32'), buffers.q as Value, i);
        k.store(k.convert(k.remainder(size, 7), 'u32'), buffers.m as Value, i);
      });
    });
    const a = values('u32', 1) as Uint32Array;
    const results = (await runWasm(module)).run({ a }) as Record<string, Uint32Array>;
    expect(Array.from(results.l as Uint32Array)).toEqual(Array.from(a, (v, i) => (v << (i & 31)) >>> 0));
    expect(Array.from(results.r as Uint32Array)).toEqual(Array.from(a, (v, i) => v >>> (i & 31)));
    expect(Array.from(results.q as Uint32Array)).toEqual(Array.from(a, (v) => Math.floor((v >>> 1) / 7)));
    expect(Array.from(results.m as Uint32Array)).toEqual(Array.from(a, (v) => (v >>> 1) % 7));
  });

  for (const element of [...integers, 'f32'] as const) {
    for (const lanes of lanesTried) {
      it(`on ${lanes} × ${element}`, async () => {
        const chosen = cases.filter((one) => one.element === element);
        const { given, results } = await run(chosen, lanes);
        chosen.forEach(({ name, to = element, attributes = {} }, n) => {
          const { lane } = lanewisePrimitives[name];
          const found = Array.from(results[`y${n}`] as Int32Array, normalNaN);
          const expected = new (typedArrayOf(to as DType))(count) as Int32Array;
          for (let i = 0; i < count; i++) {
            expected[i] = lane([given.a[i], given.b[i], given.c[i]] as number[], element, to, attributes);
          }
          expect(found, `${name} ${element} → ${to} ${JSON.stringify(attributes)}`).toEqual(
            Array.from(expected, normalNaN),
          );
        });
      });
    }
  }

  for (const [mask, element] of [
    ['i8', 'i8'],
    ['f32', 'f32'],
    ['i8', 'f32'],
    ['f32', 'i16'],
    ['i16', 'u8'],
  ] as const) {
    for (const lanes of lanesTried) {
      it(`select on ${lanes} × ${element} by a mask of ${mask}, alone, joined with another, and stored`, async () => {
        const inputs = { p: flat(count, mask), q: flat(count, mask), a: flat(count, element), b: flat(count, element) };
        const outputs = { y: flat(count, element), z: flat(count, element), w: flat(count, element) };
        const module = single({ ...inputs, m: flat(count, 'i1') }, outputs, (k, buffers) => {
          k.loop(0, count, lanes, (i) => {
            const at = (name: string) => k.load(buffers[name] as Value, i, lanes);
            const [p, q, a, b] = ['p', 'q', 'a', 'b'].map(at) as [Value, Value, Value, Value];
            const less = k.cmp('lt', p, q);
            const joined = k.and(less, k.cmp('le', a, b));
            k.store(k.select(less, a, b), buffers.y as Value, i);
            k.store(k.select(joined, a, b), buffers.z as Value, i);
            k.store(k.select(at('m'), a, b), buffers.w as Value, i);
          });
        });
        const given = { p: values(mask, 4), q: values(mask, 5), a: values(element, 6), b: values(element, 7) };
        const m = Uint8Array.from({ length: count }, (_, i) => (i * 5 + (i >> 2)) & 1);
        const model = await runWasm(module);
        const { y, z, w } = model.run({ ...given, m }) as Record<string, Int32Array>;
        const pick = (condition: boolean, i: number) => normalNaN((condition ? given.a[i] : given.b[i]) as number);
        const expected = (condition: (i: number) => boolean) =>
          Array.from({ length: count }, (_, i) => pick(condition(i), i));
        const less = (i: number) => (given.p[i] as number) < (given.q[i] as number);
        expect(Array.from(y as Int32Array, normalNaN)).toEqual(expected(less));
        expect(Array.from(z as Int32Array, normalNaN)).toEqual(
          expected((i) => less(i) && (given.a[i] as number) <= (given.b[i] as number)),
        );
        expect(Array.from(w as Int32Array, normalNaN)).toEqual(expected((i) => m[i] === 1));
      });
    }
  }
});
