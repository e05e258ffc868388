/** Exact integer roots and reciprocals. */

/** ⌊√x⌋ of a non-negative BigInt, by Newton's method from above. */
export function integerSqrt(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt((x.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** ⌊2^k/√V⌋: the largest R with R²·V ≤ 2^(2k); 0 for V = 0. V ≥ 0, k in 0..62. */
export function inverseRoot(V: bigint, k: number): bigint {
  return V === 0n ? 0n : integerSqrt((1n << BigInt(2 * k)) / V);
}

/** ⌊2^32/x⌋ for a whole x in 1..2^32 − 1. */
export function reciprocal32(x: number): number {
  return Math.floor(2 ** 32 / x);
}
