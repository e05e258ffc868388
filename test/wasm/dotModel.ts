import { Module, type Value } from '../../src/ir/index.ts';
import { intrinsics } from '../../src/target/index.ts';
import { flat, generator, kernel, plan } from './planned.ts';

const lanes = 8;
const depth = 4;
const start = 64;

/** Signed codes with the extremes in front. */
function codes(seed: number): Int8Array {
  const next = generator(seed);
  return Int8Array.from({ length: lanes * depth }, (_, i) => (i < 8 ? -128 : next()));
}

/**
 * sums = c + w·a by groups of four, and their doubles: the sums by a portable kernel and by a relaxed dot product,
 * the doubles by one kernel for both. Names are those that the caller wants.
 */
export function dotModel(names = { c: 'c', a: 'a', sums: 'sums', doubles: 'doubles' }) {
  const module = new Module();
  const codesOfWeights = codes(11);
  const weights = new Uint8Array(start + codesOfWeights.length);
  weights.set(new Uint8Array(codesOfWeights.buffer), start);
  const arguments_ = (k: Parameters<Parameters<typeof kernel>[2]>[0]): readonly [Value, Value, Value, Value] => [
    k.buffer('c', 'i32', 'input'),
    k.buffer('w', 'i8', 'weights'),
    k.buffer('a', 'i8', 'input'),
    k.buffer('y', 'i32', 'output'),
  ];

  kernel(module, 'portable', (k) => {
    const [c, w, a, y] = arguments_(k);
    k.loop(0, lanes, 1, (i) => {
      const at = k.scaled(i, depth);
      const products = k.mul(k.convert(k.load(w, at, depth), 'i32'), k.convert(k.load(a, at, depth), 'i32'));
      k.store(k.add(k.load(c, i), k.reduce('add', products)), y, i);
    });
  });
  kernel(module, 'relaxed', (k) => {
    const [c, w, a, y] = arguments_(k);
    const zero = k.index(0);
    const setting = k.setting('dot_sign_mask');
    const mask = k.splat(k.convert(setting, 'i8'), lanes * depth);
    const codesOfW = k.load(w, zero, lanes * depth);
    // Σ w·(a ⊕ 0x80) read as unsigned is Σ w·a + 128·Σ w
    const words = k.convert(codesOfW, 'i32');
    const sums = Array.from({ length: lanes }, (_, i) => k.reduce('add', k.slice(words, depth * i, depth)));
    const extra = k.shl(k.concat(sums), 7);
    const from = k.load(c, zero, lanes);
    const flips = k.cmp('ne', k.splat(setting, lanes), k.constant(0, 'i32', extra));
    const begin = k.select(flips, k.sub(from, extra), from);
    k.store(k.dot('relaxed_dot_i8x16', begin, codesOfW, k.xor(k.load(a, zero, lanes * depth), mask)), y, zero);
  });
  kernel(module, 'double', (k) => {
    const [x, y] = [k.buffer('x', 'i32', 'output'), k.buffer('y', 'i32', 'output')];
    const sums = k.load(x, k.index(0), lanes);
    k.store(k.add(sums, sums), y, k.index(0));
  });
  plan(module, {
    inputs: Object.fromEntries([
      [names.c, flat(lanes, 'i32')],
      [names.a, flat(lanes * depth, 'i8')],
    ]),
    outputs: Object.fromEntries([
      [names.sums, flat(lanes, 'i32')],
      [names.doubles, flat(lanes, 'i32')],
    ]),
    weights,
    launches: [
      {
        kernel: 'portable',
        relaxed: 'relaxed',
        places: [names.c, { space: 'weights', offset: start, bytes: lanes * depth }, names.a, names.sums],
      },
      { kernel: 'double', places: [names.sums, names.doubles] },
    ],
  });
  const c = Int32Array.from({ length: lanes }, (_, i) => 1000003 * i - 5);
  const a = codes(12).map((v, i) => (i % 16 < 4 ? v : i % 16 < 8 ? 127 : v));
  const sums = Int32Array.from(intrinsics.relaxed_dot_i8x16.meaning([...c], [...codesOfWeights], [...a]));
  return { module, c, a, sums, doubles: sums.map((v) => 2 * v) };
}
