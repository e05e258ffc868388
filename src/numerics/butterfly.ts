import * as elementary from './elementary.ts';

// Fourier transforms whose length has small prime factors, stage by stage. The order of the operations is the usual
// one of decimation in frequency: Swarztrauber, Vectorizing the FFTs (1982), as FFTPACK and its descendants have it.

/** Real and imaginary part. */
export type Complex<T> = readonly [re: T, im: T];

/** How the numbers of a butterfly are computed: as numbers, or as ops of a kernel. */
export interface Arithmetic<T> {
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  /** By a constant. */
  scale(a: T, factor: number): T;
}

/** Largest radix: an odd butterfly of radix r takes about r² multiplications. */
const largestRadix = 13;

/** The radices of the stages for a transform of `length` points; undefined where a prime factor is too large. */
export function fftRadices(length: number): number[] | undefined {
  const radices: number[] = [];
  let rest = length;
  for (; rest % 4 === 0; rest /= 4) radices.push(4);
  if (rest % 2 === 0) {
    rest /= 2;
    radices.unshift(2);
  }
  for (let radix = 3; radix <= largestRadix; radix += 2) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  return rest === 1 ? radices : undefined;
}

/** y[k] = Σ x[j]·e^(±2πi·jk/r) of the r numbers x, r = 2, 4 or odd. */
export function butterfly<T>(a: Arithmetic<T>, x: readonly Complex<T>[], inverse: boolean): readonly Complex<T>[] {
  const plus = (p: Complex<T>, q: Complex<T>): Complex<T> => [a.add(p[0], q[0]), a.add(p[1], q[1])];
  const minus = (p: Complex<T>, q: Complex<T>): Complex<T> => [a.sub(p[0], q[0]), a.sub(p[1], q[1])];
  /** p ± i·q, the sign that of the transform or against it. */
  const turned = (p: Complex<T>, q: Complex<T>, along: boolean): Complex<T> =>
    along === inverse ? [a.sub(p[0], q[1]), a.add(p[1], q[0])] : [a.add(p[0], q[1]), a.sub(p[1], q[0])];
  const radix = x.length;
  const at = (j: number) => x[j] as Complex<T>;
  if (radix === 2) return [plus(at(0), at(1)), minus(at(0), at(1))];
  if (radix === 4) {
    const [sum, difference] = [plus(at(0), at(2)), minus(at(0), at(2))];
    const [odd, crossed] = [plus(at(1), at(3)), minus(at(1), at(3))];
    return [plus(sum, odd), turned(difference, crossed, true), minus(sum, odd), turned(difference, crossed, false)];
  }
  // Numbers r − j and j have the same cosine and opposite sines.
  const half = Array.from({ length: (radix - 1) / 2 }, (_, j) => j + 1);
  const sums = half.map((j) => plus(at(j), at(radix - j)));
  const differences = half.map((j) => minus(at(j), at(radix - j)));
  const y: Complex<T>[] = [sums.reduce(plus, at(0))];
  const weighted = (p: Complex<T>, factor: number): Complex<T> => [a.scale(p[0], factor), a.scale(p[1], factor)];
  for (const k of half) {
    const roots = half.map((j) => rootOfUnity((j * k) % radix, radix));
    const even = sums.reduce((total, p, j) => plus(total, weighted(p, (roots[j] as Complex<number>)[0])), at(0));
    const odd = differences.map((p, j) => weighted(p, (roots[j] as Complex<number>)[1])).reduce(plus);
    y[k] = turned(even, odd, true);
    y[radix - k] = turned(even, odd, false);
  }
  return y;
}

/** e^(2πi·numerator/denominator): exact at quarters of a turn. */
export function rootOfUnity(numerator: number, denominator: number): Complex<number> {
  const quarters = Math.round((4 * numerator) / denominator);
  const angle = (2 * Math.PI * (4 * numerator - quarters * denominator)) / (4 * denominator);
  const [re, im] = [elementary.cos(angle), elementary.sin(angle)];
  const turned: readonly Complex<number>[] = [
    [re, im],
    [-im, re],
    [-re, -im],
    [im, -re],
  ];
  return turned[((quarters % 4) + 4) % 4] as Complex<number>;
}
