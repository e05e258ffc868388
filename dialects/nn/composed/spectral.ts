import {
  type Dim,
  floorDivDim,
  type OnnxMapping,
  type OnnxNode,
  type ScalarType,
  type Value,
} from '../../../src/ir/index.ts';
import { elementary, fftRadices, rootOfUnity } from '../../../src/numerics/index.ts';
import { normalAxis } from '../axes.ts';
import { dataTypeNamed } from '../cast.ts';
import { conv } from '../conv.ts';
import { fftStage } from '../fftStage.ts';
import { melWeights } from '../melWeights.ts';
import { Compose, known, shapeOf, tensorOf } from './compose.ts';

// Fourier transforms of a known length are made in stages, or are products with matrices of cosines and sines: where
// the length has a large prime factor, and in frames that overlap.

/** Most elements of such a matrix. */
const matrixLimit = 1 << 25;

interface Transform {
  /** Points that go in: samples, or frequencies of an inverse transform. */
  readonly points: number;
  readonly length: number;
  readonly inverse: boolean;
  /** Half of the frequencies: those of a real signal. */
  readonly onesided: boolean;
  /** 1 for real points, 2 for pairs of real and imaginary parts. */
  readonly parts: number;
}

/** Results and parts of each: an inverse of half the frequencies is real. */
function resultOf({ length, inverse, onesided }: Transform): { results: number; parts: number } {
  const results = onesided && !inverse ? Math.floor(length / 2) + 1 : length;
  return { results, parts: inverse && onesided ? 1 : 2 };
}

/** The matrix [points·parts, results·parts of a result]. */
function transformMatrix(node: OnnxNode, t: Transform): { matrix: Float64Array; rows: number; columns: number } {
  const { results, parts } = resultOf(t);
  const [rows, columns] = [t.points * t.parts, results * parts];
  if (!(rows * columns <= matrixLimit))
    return node.refuse(`a transform of ${t.length} points`, 'transform shorter frames');
  const [cos, sin] = [elementary.cos, elementary.sin].map((f) =>
    Float64Array.from({ length: t.length }, (_, i) => f((2 * Math.PI * i) / t.length)),
  ) as [Float64Array, Float64Array];
  const matrix = new Float64Array(rows * columns);
  for (let point = 0; point < t.points; point++) {
    const weight = weightOf(point, t);
    for (let result = 0; result < results; result++) {
      const angle = (point * result) % t.length;
      const real = (cos[angle] as number) * weight;
      const imaginary = (sin[angle] as number) * weight * (t.inverse ? 1 : -1);
      // (a + bi)(real + imaginary·i)
      const cells = [
        [real, imaginary],
        [-imaginary, real],
      ];
      for (let part = 0; part < t.parts; part++) {
        for (let to = 0; to < parts; to++) {
          matrix[(point * t.parts + part) * columns + result * parts + to] = cells[part]?.[to] as number;
        }
      }
    }
  }
  return { matrix, rows, columns };
}

/** A frequency that stands for its mirror image too counts twice. */
function weightOf(point: number, { length, inverse, onesided }: Transform): number {
  if (!inverse) return 1;
  const own = point === 0 || 2 * point === length;
  const beyond = onesided && 2 * point > length;
  return (beyond ? 0 : onesided && !own ? 2 : 1) / length;
}

function dft(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const rank = shapeOf(x).length;
  const given = node.opset < 20 ? node.int('axis', 1) : (node.constantNumbers(2)?.[0] ?? -2);
  const axis = normalAxis(given, rank);
  const [size, parts] = known(node, [shapeOf(x)[axis] as Dim, shapeOf(x).at(-1) as Dim], 'an axis') as [number, number];
  const [inverse, onesided] = [node.int('inverse', 0) !== 0, node.int('onesided', 0) !== 0];
  const length = node.constantNumbers(1)?.[0] ?? (inverse && onesided ? 2 * (size - 1) : size);
  if (axis === rank - 1 || parts > 2 || !(length > 0))
    return node.refuse(`a transform of ${length} points along axis ${axis}`);
  const points = inverse && onesided ? Math.floor(length / 2) + 1 : length;
  const transform = { points, length, inverse, onesided, parts };
  const fitted = points <= size ? c.slice(x, axis, 0, points) : c.pad(x, axis, 0, points - size);
  const others = Array.from({ length: rank - 1 }, (_, i) => i).filter((i) => i !== axis);
  const signals = c.transpose(fitted, [...others, axis, rank - 1]);
  const radices = fftRadices(length);
  const y = radices ? inStages(c, signals, transform, radices) : byMatrix(c, signals, transform);
  const back = [...others, axis, rank - 1];
  return c.transpose(
    y,
    back.map((_, i) => back.indexOf(i)),
  );
}

/** [..., points, parts] to [..., results, parts of a result]: a product with one matrix. */
function byMatrix(c: Compose, x: Value, transform: Transform): Value {
  const sizes = shapeOf(x).slice(0, -2);
  const { matrix, rows, columns } = transformMatrix(c.node, transform);
  const product = c.matmul(matrixOf(c, c.reshape(x, [...sizes, rows])), c.numbers(matrix, [rows, columns], x));
  const { results, parts } = resultOf(transform);
  return c.reshape(product, [...sizes, results, parts]);
}

/** The same in stages, for lengths of small prime factors. */
function inStages(c: Compose, x: Value, transform: Transform, radices: readonly number[]): Value {
  const { points, length, inverse, onesided, parts } = transform;
  const rank = shapeOf(x).length;
  const { results, parts: resultParts } = resultOf(transform);
  if (!inverse && parts === 1 && length % 2 === 0) return ofRealPairs(c, x, length, results);
  const pairs = parts === 2 ? x : c.pad(x, rank - 1, 0, 1);
  // The real part of an inverse is that of each frequency and its mirror image.
  const weights = Array.from({ length: points }, (_, i) => weightOf(i, transform) * length);
  const weighted = inverse && onesided ? c.mul(pairs, c.numbers(weights, [points, 1], x)) : pairs;
  const all = stages(c, c.pad(weighted, rank - 2, 0, length - points), radices, inverse);
  const taken = c.slice(c.slice(all, rank - 2, 0, results), rank - 1, 0, resultParts);
  return inverse ? c.mul(taken, c.scalar(1 / length, x)) : taken;
}

/** [..., length, 2], transformed along the axis of `length`. */
function stages(c: Compose, x: Value, radices: readonly number[], inverse: boolean): Value {
  const shape = shapeOf(x);
  const sizes = shape.slice(0, -2);
  let [y, groups, rest] = [x, 1, shape.at(-2) as number];
  for (const radix of radices) {
    rest /= radix;
    const stage = c.reshape(y, [...sizes, groups, radix, rest, 2]);
    const twiddles = rest > 1 ? c.numbers(turns(radix, rest, inverse), [radix - 1, rest, 2], x) : undefined;
    y = c.node.create(fftStage, twiddles ? { x: stage, twiddles } : { x: stage }, { inverse }).result;
    groups *= radix;
  }
  return c.reshape(y, shape);
}

/**
 * The first frequencies of 2m real points [..., 2m, 1], from the transform Z of their m pairs taken as complex numbers:
 * X[k] = (Z[k] + Z̄[m−k])/2 + e^(−2πik/2m)·(Z[k] − Z̄[m−k])/2i.
 * Source: Cooley, Lewis and Welch, The fast Fourier transform algorithm (1970), procedure 2.
 */
function ofRealPairs(c: Compose, x: Value, length: number, results: number): Value {
  const sizes = shapeOf(x).slice(0, -2);
  const [axis, half] = [sizes.length, length / 2];
  const mirrored = (v: Value, along: number): Value => {
    const size = shapeOf(v)[along] as number;
    return c.slice(v, along, size - 1, size, -1);
  };
  const conjugate = (v: Value) => c.mul(v, c.numbers([1, -1], [2], x));
  const z = stages(c, c.reshape(x, [...sizes, half, 2]), fftRadices(half) as number[], false);
  const a = c.concat([z, c.slice(z, axis, 0, 1)], axis);
  const b = conjugate(mirrored(a, axis));
  const factors = Array.from({ length: half + 1 }, (_, k) => rootOfUnity(-k, length));
  // e^(−iφ)/2i = (−sin φ − i·cos φ)/2
  const real = c.numbers(
    factors.map(([, im]) => im / 2),
    [half + 1, 1],
    x,
  );
  const imaginary = c.numbers(
    factors.flatMap(([re]) => [re / 2, -re / 2]),
    [half + 1, 2],
    x,
  );
  const difference = c.sub(a, b);
  const turned = c.add(c.mul(difference, real), c.mul(mirrored(difference, axis + 1), imaginary));
  const first = c.add(c.mul(c.add(a, b), c.scalar(0.5, x)), turned);
  if (results === half + 1 || half === 1) return c.slice(first, axis, 0, results);
  return c.concat([first, conjugate(mirrored(c.slice(first, axis, 1, half - 1), axis))], axis);
}

/** e^(∓2πi·kj/(radix·points)) of k = 1 … radix − 1 and j < points. */
function turns(radix: number, points: number, inverse: boolean): number[] {
  return Array.from({ length: (radix - 1) * points }, (_, at) => {
    const [k, j] = [Math.floor(at / points) + 1, at % points];
    const [re, im] = rootOfUnity(k * j, radix * points);
    return [re, inverse ? im : -im];
  }).flat();
}

/** A vector as a matrix of one row. */
function matrixOf(c: Compose, x: Value): Value {
  return shapeOf(x).length > 1 ? x : c.reshape(x, [1, ...shapeOf(x)]);
}

/** Windowed transforms of frames are a convolution with as many outputs as there are parts of frequencies. */
function stft(node: OnnxNode): Value {
  const c = new Compose(node);
  const [given, window] = [node.input(0), node.optionalInput(2)];
  const signal = shapeOf(given).length === 2 ? c.reshape(given, [...shapeOf(given), 1]) : given;
  const [batch, , parts] = shapeOf(signal) as [Dim, Dim, Dim];
  const [step = 0] = node.constantNumbers(1) ?? [];
  const implied = window ? shapeOf(window)[0] : shapeOf(signal)[1];
  const [length, lanes] = known(node, [node.constantNumbers(3)?.[0] ?? (implied as Dim), parts], 'a frame') as [
    number,
    number,
  ];
  const onesided = node.int('onesided', 1) !== 0;
  const { matrix, columns } = transformMatrix(node, { points: length, length, inverse: false, onesided, parts: lanes });
  // [length, parts, outputs] as [outputs, parts, length]
  const waves = c.transpose(c.numbers(matrix, [length, lanes, columns], signal), [2, 1, 0]);
  const w = window ? c.mul(waves, window) : waves;
  const attributes = { strides: [step], pads: [0, 0], dilations: [1], group: 1 };
  const frames = node.create(conv, { x: c.transpose(signal, [0, 2, 1]), w }, attributes).result;
  const ordered = c.transpose(frames, [0, 2, 1]);
  return c.reshape(ordered, [batch, shapeOf(ordered)[1] as Dim, floorDivDim(columns, 2), 2]);
}

/** Weights a0 − a1·cos(2πi/N) + a2·cos(4πi/N); N is the size, or one less where the window is symmetric. */
const windowOf = (op: string, [a0, a1, a2]: readonly [number, number, number]): OnnxMapping => ({
  op,
  build(node): Value {
    const [size = 0] = node.constantNumbers(0) ?? [];
    const to = outputType(node);
    const span = Math.max(1, node.int('periodic', 1) !== 0 ? size : size - 1);
    const cos = (i: number) => elementary.cos((2 * Math.PI * (i % span)) / span);
    const values = Array.from({ length: size }, (_, i) => a0 - a1 * cos(i) + a2 * cos(2 * i));
    return node.createConstant(tensorOf(to, [size], values));
  },
});

function outputType(node: OnnxNode): ScalarType {
  return dataTypeNamed(node.int('output_datatype', 1)) ?? node.refuse('elements that are no numbers');
}

function melWeightMatrix(node: OnnxNode): Value {
  const [[bins = 0] = [], [length = 0] = [], [rate = 0] = []] = [0, 1, 2].map((i) => node.constantNumbers(i));
  const attributes = { bins, length, rate, to: outputType(node) };
  return node.create(melWeights, { lower: node.input(3), upper: node.input(4) }, attributes).result;
}

export const spectralMappings: readonly OnnxMapping[] = [
  { op: 'DFT', build: dft },
  { op: 'STFT', build: stft },
  windowOf('HannWindow', [0.5, 0.5, 0]),
  windowOf('HammingWindow', [25 / 46, 21 / 46, 0]),
  windowOf('BlackmanWindow', [0.42, 0.5, 0.08]),
  { op: 'MelWeightMatrix', program: 'yes, where its inputs are constant', build: melWeightMatrix },
];
