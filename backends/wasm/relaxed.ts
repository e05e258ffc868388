import type binaryen from 'binaryen';

/** The part of binaryen's interface that its own declarations leave out: relaxed SIMD has no wrappers on a module. */
interface UndeclaredBinaryen {
  _BinaryenSIMDTernary(
    module: number,
    op: binaryen.Operations,
    a: binaryen.ExpressionRef,
    b: binaryen.ExpressionRef,
    c: binaryen.ExpressionRef,
  ): binaryen.ExpressionRef;
  _BinaryenBinary(
    module: number,
    op: binaryen.Operations,
    a: binaryen.ExpressionRef,
    b: binaryen.ExpressionRef,
  ): binaryen.ExpressionRef;
}

/** The package's namespace, loaded on first use: it is large. */
export type Binaryen = typeof binaryen;

/** Loads binaryen. */
export async function loadBinaryen(): Promise<Binaryen> {
  return (await import('binaryen')).default;
}

function ternary(
  b: Binaryen,
  m: binaryen.Module,
  op: binaryen.Operations,
  operands: readonly [binaryen.ExpressionRef, binaryen.ExpressionRef, binaryen.ExpressionRef],
): binaryen.ExpressionRef {
  return (b as unknown as UndeclaredBinaryen)._BinaryenSIMDTernary(
    (m as unknown as { ptr: number }).ptr,
    op,
    ...operands,
  );
}

/** i32x4.relaxed_dot_i8x16_i7x16_add_s: weights are signed; activations are signed or unsigned, as the machine likes. */
export function relaxedDot(
  b: Binaryen,
  m: binaryen.Module,
  weights: binaryen.ExpressionRef,
  activations: binaryen.ExpressionRef,
  accumulator: binaryen.ExpressionRef,
): binaryen.ExpressionRef {
  return ternary(b, m, b.RelaxedDotI8x16I7x16AddSToVecI32x4, [weights, activations, accumulator]);
}

/** f32x4.relaxed_madd: x·y + z, rounded once or twice. */
export function relaxedMulAdd(
  b: Binaryen,
  m: binaryen.Module,
  x: binaryen.ExpressionRef,
  y: binaryen.ExpressionRef,
  z: binaryen.ExpressionRef,
): binaryen.ExpressionRef {
  return ternary(b, m, b.RelaxedMaddVecF32x4, [x, y, z]);
}

/** i8x16.relaxed_swizzle: lanes of `table` by indices below 16. */
export function relaxedSwizzle(
  b: Binaryen,
  m: binaryen.Module,
  table: binaryen.ExpressionRef,
  index: binaryen.ExpressionRef,
): binaryen.ExpressionRef {
  const { ptr } = m as unknown as { ptr: number };
  return (b as unknown as UndeclaredBinaryen)._BinaryenBinary(ptr, b.RelaxedSwizzleVecI8x16, table, index);
}
