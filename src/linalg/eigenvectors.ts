/** Sweeps over all pairs at most; a handful are enough for any matrix in practice. */
const mostSweeps = 30;

/** What is left off the diagonal, over the whole, at the end. */
const precision = 1e-15;

/**
 * The eigenvectors of a symmetric matrix by Jacobi's method: pairs of rows and columns are turned until nothing is left
 * off the diagonal. About 6·n³ products a sweep. Source: Golub, Van Loan: Matrix Computations, algorithm 8.5.3.
 * @param a row-major [n, n]
 * @returns orthonormal rows [n, n], the largest eigenvalue's first
 */
export function eigenvectors(a: Float64Array, n: number): Float64Array {
  const m = a.slice();
  const v = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  const whole = norm(m, n, true);
  for (let sweep = 0; sweep < mostSweeps && norm(m, n, false) > precision * whole; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) turnAway(m, v, n, p, q);
  }
  const values = Array.from({ length: n }, (_, i) => m[i * n + i] as number);
  const order = values.map((_, i) => i).sort((i, j) => (values[j] as number) - (values[i] as number) || i - j);
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => {
    sorted.set(v.subarray(from * n, (from + 1) * n), to * n);
  });
  return sorted;
}

/** √Σ m_ij², with the diagonal or without. */
function norm(m: Float64Array, n: number, diagonal: boolean): number {
  return Math.sqrt(m.reduce((sum, x, at) => sum + (diagonal || at % (n + 1) !== 0 ? x * x : 0), 0));
}

/** Makes m_pq zero by a rotation of rows and columns p and q. */
function turnAway(m: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const off = m[p * n + q] as number;
  if (off === 0) return;
  const tau = ((m[q * n + q] as number) - (m[p * n + p] as number)) / (2 * off);
  const tangent = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = tangent * cosine;
  rotatePair(m, n, p * n, q * n, 1, cosine, sine);
  rotatePair(m, n, p, q, n, cosine, sine);
  rotatePair(v, n, p * n, q * n, 1, cosine, sine);
}

/** (x, y) becomes (c·x − s·y, s·x + c·y) for n pairs that begin at p and q. */
function rotatePair(data: Float64Array, n: number, p: number, q: number, step: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [data[p + i * step] as number, data[q + i * step] as number];
    data[p + i * step] = c * x - s * y;
    data[q + i * step] = s * x + c * y;
  }
}
