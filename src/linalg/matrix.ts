/** A matrix somewhere in an array: element (i, j) lies at `offset + i·rowStep + j·columnStep`. */
export interface Matrix {
  readonly data: Float32Array | Float64Array;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** A whole array, row-major. */
export function matrixOf(data: Float32Array | Float64Array, rows: number, columns: number): Matrix {
  return { data, offset: 0, rows, columns, rowStep: columns, columnStep: 1 };
}

export function transposed({ rows, columns, rowStep, columnStep, ...place }: Matrix): Matrix {
  return { ...place, rows: columns, columns: rows, rowStep: columnStep, columnStep: rowStep };
}

/** Rows and columns `[from, to)` of a matrix, in place. */
export function partOf(
  matrix: Matrix,
  [top, bottom]: readonly [number, number],
  [left, right]: readonly [number, number],
): Matrix {
  const offset = matrix.offset + top * matrix.rowStep + left * matrix.columnStep;
  return { ...matrix, offset, rows: bottom - top, columns: right - left };
}

/** What multiplies matrices. The same one gives the same numbers on every machine; others differ in the last bits of f32. */
export interface Products {
  /**
   * target += factor·a·b, in f64 where the target is.
   * @param part `upper`: elements below the target's diagonal may stay as they were
   */
  add(target: Matrix, a: Matrix, b: Matrix, factor: number, part?: 'all' | 'upper'): void;
  /** Begins XᵀX of rows of n numbers. */
  gram(n: number): Gram;
}

/** XᵀX of rows that come some at a time. */
export interface Gram {
  /** Takes rows, of which it keeps a copy at most. */
  add(rows: Float32Array): void;
  /** [n, n] of all rows; nothing may be added after. */
  finish(): Float64Array;
}

/** XᵀX as a product like any other. */
export const gramBy =
  (add: Products['add']): Products['gram'] =>
  (n) => {
    const sums = new Float64Array(n * n);
    return {
      add(rows) {
        const x = matrixOf(rows, rows.length / n, n);
        add(matrixOf(sums, n, n), transposed(x), x, 1, 'upper');
      },
      finish: () => mirrored(sums, n),
    };
  };

/** The upper triangle, below the diagonal too. */
export function mirrored(sums: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) sums[i * n + j] = sums[j * n + i] as number;
  return sums;
}

/** In f64, one product after the other. */
const addPlainly: Products['add'] = (target, a, b, factor, part = 'all') => {
  for (let i = 0; i < a.rows; i++) {
    const row = target.offset + i * target.rowStep;
    const from = part === 'upper' ? i : 0;
    for (let k = 0; k < a.columns; k++) {
      const x = factor * (a.data[a.offset + i * a.rowStep + k * a.columnStep] as number);
      if (x === 0) continue;
      const other = b.offset + k * b.rowStep;
      for (let j = from; j < b.columns; j++) {
        const at = row + j * target.columnStep;
        target.data[at] = (target.data[at] as number) + x * (b.data[other + j * b.columnStep] as number);
      }
    }
  }
};

export const plainProducts: Products = { add: addPlainly, gram: gramBy(addPlainly) };

/** `[from, to)` of each block of so many, and of what is left over. */
export function blocksOf(count: number, size: number): (readonly [from: number, to: number])[] {
  return Array.from(
    { length: Math.ceil(count / size) },
    (_, i) => [i * size, Math.min(count, (i + 1) * size)] as const,
  );
}
