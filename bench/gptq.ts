/**
 * Times GPTQ of one large layer, part by part: `node bench/gptq.ts [--size N] [--rows N] [--tokens N]`. The weights and
 * activations are of fixed pseudorandom numbers. Beside the times stands what the same thread took of the processor,
 * which other programs disturb less, and the peak of f32 that the port gave in between.
 */
import { parseArgs } from 'node:util';
import { gptqRounding } from '../passes/quantize/gptq.ts';
import { storeMatrix } from '../passes/quantize/storedWeights.ts';
import { wasmProducts } from '../src/api/products.ts';
import type { Products } from '../src/linalg/index.ts';
import { peakRunner, peakWork } from './peaks.ts';
import { markdown } from './table.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '4096' },
    rows: { type: 'string', default: '128' },
    tokens: { type: 'string', default: '512' },
  },
});
const [size, rows, tokens] = [values.size, values.rows, values.tokens].map(Number) as [number, number, number];

/** Numbers of about unit size, a few channels ten times larger, as activations are. */
function activations(seed: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length: tokens * size }, (_, i) => {
    state = Math.imul(state, 1664525) + 1013904223;
    return (state / 2 ** 31) * ((i % size) % 97 === 0 ? 10 : 1);
  });
}

/** Seconds on the clock, and of the processor. */
interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

function timed<T>(work: () => T): Spent & { readonly result: T } {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6, result };
}

const plus = (a: Spent, b: Spent): Spent => ({ wall: a.wall + b.wall, cpu: a.cpu + b.cpu });

const compiled = await wasmProducts();
let spent: Spent = { wall: 0, cpu: 0 };
function clock<T>(work: () => T): T {
  const { result, ...time } = timed(work);
  spent = plus(spent, time);
  return result;
}
/** The same products, on a clock. */
const clocked: Products = {
  add: (...args) => clock(() => compiled.add(...args)),
  gram(n) {
    const gram = compiled.gram(n);
    return {
      add: (rows) => clock(() => gram.add(rows)),
      finish: () => clock(() => gram.finish()),
    };
  },
};

const peak = await peakRunner('mulAdd');
const peaks: number[] = [];
const sums = clocked.gram(size);
for (let row = 0; row < rows; row++) {
  const x = activations(row + 1);
  sums.add(x);
  const { wall } = timed(() => peak.run({}));
  peaks.push(peakWork('mulAdd') / wall / 1e9);
}
const hessian = sums.finish();
const gram = spent;
spent = { wall: 0, cpu: 0 };
const numbers = new Float32Array(size * size);
for (let from = 0; from < numbers.length; from += tokens * size) {
  numbers.set(activations(from + 99).subarray(0, numbers.length - from), from);
}
let ratio = 1;
const grid = {
  storage: 'i4',
  granularity: 'group',
  group: 32,
  symmetric: true,
  scale: 'f32',
  range: 'absmax',
} as const;
const rounding = timed(() => {
  const round = gptqRounding(
    hessian,
    (outcome) => {
      ratio = outcome.ratio;
    },
    clocked,
  );
  storeMatrix({ dtype: 'f32', shape: [size, size], data: numbers }, grid, round);
});
const products = spent;
const rest: Spent = { wall: rounding.wall - products.wall, cpu: rounding.cpu - products.cpu };
const whole = plus(gram, rounding);
const row = (name: string, { wall, cpu }: Spent) => [name, wall.toFixed(1), cpu.toFixed(1)];
console.log(
  `GPTQ to 4 bits in groups of 32: ${size} × ${size} weights, ${rows} rows of ${tokens} tokens, one thread\n`,
);
console.log(
  markdown(
    ['part', 'seconds', 'of the processor'],
    [
      row('XᵀX', gram),
      row('factor, spreading of errors, errors: products', products),
      row('the same: grids, codes, what is left of the blocks', rest),
      row('whole', whole),
    ],
  ),
);
const multiplications = (rows * tokens * size * (size + 1)) / 2 / 1e9;
const sorted = peaks.toSorted((a, b) => a - b);
const [median, best] = [sorted[peaks.length >> 1], sorted.at(-1)] as [number, number];
console.log(
  `\nXᵀX: ${multiplications.toFixed(1)}e9 products of one triangle, ${(multiplications / gram.cpu).toFixed(2)}e9 a second; ` +
    `the port: ${median.toFixed(1)}e9 (best ${best.toFixed(1)}e9), with which it takes ${(multiplications / best).toFixed(1)} s. ` +
    `Error over rounding to nearest: ${ratio.toPrecision(3)}.`,
);
