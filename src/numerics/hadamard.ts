/** Orders of the small matrix that takes the odd part of a size: those of Paley's constructions that kernels can write out. */
const baseOrders = [12, 20, 28];

/** The sizes n = power · order for which H_n = H_power ⊗ H_order, `power` a power of two, `order` 1 or one of Paley's. */
export interface HadamardFactors {
  readonly power: number;
  readonly order: number;
}

/** How a Hadamard matrix of n rows is made; undefined where this construction has none. */
export function hadamardFactors(n: number): HadamardFactors | undefined {
  if (!Number.isInteger(n) || n < 1) return undefined;
  return [1, ...baseOrders].map((order) => ({ order, power: n / order })).find(({ power }) => isPowerOfTwo(power));
}

/** The largest divisor of n of which there is a Hadamard matrix. */
export function hadamardPart(n: number): number {
  for (let part = n; part > 1; part--) if (n % part === 0 && hadamardFactors(part)) return part;
  return 1;
}

/**
 * A Hadamard matrix: elements ±1, H·Hᵀ = n·1; row-major [n, n]. For powers of two Sylvester's, H[i, j] = (−1)^|i ∧ j|,
 * else ⊗ one of Paley (1933): constructions I (q ≡ 3 mod 4, order q + 1) and II (q ≡ 1 mod 4, order 2q + 2).
 * @param n a size that `hadamardFactors` knows
 */
export function hadamardMatrix(n: number): Int8Array {
  const { power, order } = hadamardFactors(n) as HadamardFactors;
  const small = order === 1 ? Int8Array.of(1) : paley(order);
  return kronecker(sylvester(power), power, small, order);
}

const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;

function sylvester(n: number): Int8Array {
  let matrix: Int8Array = Int8Array.of(1);
  for (let size = 1; size < n; size *= 2) matrix = kronecker(Int8Array.of(1, 1, 1, -1), 2, matrix, size);
  return matrix;
}

function kronecker(a: Int8Array, m: number, b: Int8Array, n: number): Int8Array {
  const size = m * n;
  return Int8Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    const [left, right] = [a[Math.floor(i / n) * m + Math.floor(j / n)], b[(i % n) * n + (j % n)]];
    return (left as number) * (right as number);
  });
}

function paley(order: number): Int8Array {
  const q = order - 1;
  if (isPrime(q)) return withIdentity(bordered(q, -1), order);
  const half = bordered(order / 2 - 1, 1);
  const size = order / 2;
  const identity = Int8Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  const spread = kronecker(half, size, Int8Array.of(1, 1, 1, -1), 2);
  const diagonal = kronecker(identity, size, Int8Array.of(1, -1, -1, -1), 2);
  return spread.map((x, i) => x + (diagonal[i] as number));
}

/** 0 in the corner, then a row of 1 and a column of `side` around χ(i − j), χ the quadratic character modulo q. */
function bordered(q: number, side: number): Int8Array {
  const squares = new Set(Array.from({ length: q - 1 }, (_, i) => (i + 1) ** 2 % q));
  const character = (x: number) => (x === 0 ? 0 : squares.has(x) ? 1 : -1);
  const size = q + 1;
  return Int8Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    if (i === 0) return j === 0 ? 0 : 1;
    return j === 0 ? side : character((i - j + q) % q);
  });
}

const withIdentity = (matrix: Int8Array, n: number): Int8Array =>
  matrix.map((x, at) => (at % (n + 1) === 0 ? x + 1 : x));

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}
