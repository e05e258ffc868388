import { blocksOf, type Matrix, matrixOf, type Products, partOf, plainProducts, transposed } from './matrix.ts';

/** Rows and columns that are factored at once; what remains is a matter of products. */
const block = 128;

/**
 * The upper triangular U with A⁻¹ = UᵀU for a symmetric positive definite A: with A = R·Rᵀ, R upper triangular, U is R⁻¹.
 * One factorization and one triangular inverse, both in blocks; A⁻¹ itself is never formed.
 * @param a row-major [n, n]; only its upper triangle is read
 * @returns U row-major, or undefined where A is not positive definite as far as the products' precision tells
 */
export function inverseUpperFactor(a: Float64Array, n: number, products = plainProducts): Float64Array | undefined {
  const r = upperFactor(a, n, products);
  return r && invertUpper(r, n, products);
}

/** R with A = R·Rᵀ: the Cholesky factorization that begins at the last row. */
function upperFactor(a: Float64Array, n: number, products: Products): Float64Array | undefined {
  const r = a.slice();
  const all = matrixOf(r, n, n);
  for (const place of blocksOf(n, block).toReversed()) {
    const [from] = place;
    const corner = partOf(all, place, place);
    if (!factorCorner(corner)) return undefined;
    const above = partOf(all, [0, from], place);
    const before = copyOf(above);
    fillZero(above);
    products.add(above, before, transposed(inverseOf(corner)), 1);
    products.add(partOf(all, [0, from], [0, from]), above, transposed(above), -1, 'upper');
  }
  for (let i = 0; i < n; i++) r.fill(0, i * n, i * n + i);
  return r;
}

/** The same of a few rows, in place and in f64. @returns whether the matrix is positive definite */
function factorCorner({ data, offset, rows: n, rowStep }: Matrix): boolean {
  const at = (i: number, j: number) => offset + i * rowStep + j;
  for (let j = n - 1; j >= 0; j--) {
    for (let i = j; i >= 0; i--) {
      let sum = data[at(i, j)] as number;
      for (let k = j + 1; k < n; k++) sum -= (data[at(i, k)] as number) * (data[at(j, k)] as number);
      if (i < j) data[at(i, j)] = sum / (data[at(j, j)] as number);
      else if (sum > 0 && Number.isFinite(sum)) data[at(j, j)] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** Rows of R⁻¹ from the rows after them: U_I = −R_II⁻¹·Σ R_IK·U_K behind the diagonal. */
function invertUpper(r: Float64Array, n: number, products: Products): Float64Array {
  const [known, all] = [matrixOf(r, n, n), matrixOf(new Float64Array(n * n), n, n)];
  for (const place of blocksOf(n, block).toReversed()) {
    const [from, to] = place;
    const corner = inverseOf(partOf(known, place, place));
    for (let i = 0; i < to - from; i++) {
      const row = (corner.data as Float64Array).subarray(i * corner.rowStep, (i + 1) * corner.rowStep);
      all.data.set(row, (from + i) * n + from);
    }
    for (const [left, right] of blocksOf(n - to, 4 * block)) {
      const columns = [to + left, to + right] as const;
      const sum = matrixOf(new Float64Array((to - from) * (right - left)), to - from, right - left);
      // rows of U behind these columns have zeros in them
      products.add(sum, partOf(known, place, [to, columns[1]]), partOf(all, [to, columns[1]], columns), 1);
      products.add(partOf(all, place, columns), corner, sum, -1);
    }
  }
  return all.data as Float64Array;
}

/** The inverse of a few rows, upper triangular: u_i = (e_i − Σ r_ik·u_k)/r_ii, in f64. */
function inverseOf({ data, offset, rows: n, rowStep }: Matrix): Matrix {
  const u = new Float64Array(n * n);
  for (let i = n - 1; i >= 0; i--) {
    const pivot = data[offset + i * rowStep + i] as number;
    for (let k = i + 1; k < n; k++) {
      const factor = data[offset + i * rowStep + k] as number;
      for (let j = k; j < n; j++) u[i * n + j] = (u[i * n + j] as number) - factor * (u[k * n + j] as number);
    }
    u[i * n + i] = 1;
    for (let j = i; j < n; j++) u[i * n + j] = (u[i * n + j] as number) / pivot;
  }
  return matrixOf(u, n, n);
}

function copyOf({ data, offset, rows, columns, rowStep }: Matrix): Matrix {
  const copy = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = offset + i * rowStep;
    copy.set(data.subarray(from, from + columns), i * columns);
  }
  return matrixOf(copy, rows, columns);
}

function fillZero({ data, offset, rows, columns, rowStep }: Matrix): void {
  for (let i = 0; i < rows; i++) data.fill(0, offset + i * rowStep, offset + i * rowStep + columns);
}
