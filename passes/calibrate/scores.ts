/** Scores this far below the largest of their row weigh e^−16, less than a 2^22nd of it. */
const depth = 16;

/**
 * Scores as a softmax tells them apart, in rows of `length`: what lies far below the largest of a row, a mask above
 * all, is as good as `depth` below it.
 */
export function aboveMasks(values: Float32Array, length: number): Float32Array {
  const scores = values.slice();
  for (let at = 0; at < scores.length; at += length) {
    const row = scores.subarray(at, at + length);
    const least = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - depth;
    for (let i = 0; i < length; i++) row[i] = Math.max(row[i] as number, least);
  }
  return scores;
}
