/**
 * The upper triangular U with A⁻¹ = UᵀU for a symmetric positive definite A: with A = R·Rᵀ, R upper triangular, U is R⁻¹.
 * One factorization and one triangular inverse; A⁻¹ itself is never formed.
 * @param a row-major [n, n]; only its upper triangle is read
 * @returns U row-major, or undefined where A is not positive definite in f64
 */
export function inverseUpperFactor(a: Float64Array, n: number): Float64Array | undefined {
  const r = upperFactor(a, n);
  return r && invertUpper(r, n);
}

/** R with A = R·Rᵀ: the Cholesky factorization that begins at the last row. */
function upperFactor(a: Float64Array, n: number): Float64Array | undefined {
  const r = new Float64Array(n * n);
  for (let j = n - 1; j >= 0; j--) {
    for (let i = j; i >= 0; i--) {
      let sum = a[i * n + j] as number;
      for (let k = j + 1; k < n; k++) sum -= (r[i * n + k] as number) * (r[j * n + k] as number);
      if (i < j) r[i * n + j] = sum / (r[j * n + j] as number);
      else if (sum > 0 && Number.isFinite(sum)) r[j * n + j] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return r;
}

/** Row i of R⁻¹ from the rows after it: u_i = (e_i − Σ r_ik·u_k)/r_ii. */
function invertUpper(r: Float64Array, n: number): Float64Array {
  const u = new Float64Array(n * n);
  for (let i = n - 1; i >= 0; i--) {
    const row = u.subarray(i * n, (i + 1) * n);
    for (let k = i + 1; k < n; k++) {
      const factor = r[i * n + k] as number;
      for (let j = k; j < n; j++) row[j] = (row[j] as number) - factor * (u[k * n + j] as number);
    }
    row[i] = 1;
    for (let j = i; j < n; j++) row[j] = (row[j] as number) / (r[i * n + i] as number);
  }
  return u;
}
