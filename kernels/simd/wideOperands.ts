import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, staticShape, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { lanesFor, type Target } from '../../src/target/index.ts';
import { tensorType } from '../cluster.ts';
import { writeNest } from '../write.ts';

/** Products for each code from which on it pays to widen codes before them. */
const manyProducts = 64;

/**
 * Whether 16 bits are made of the codes of both operands before they are multiplied, rather than at each product: where
 * every code is in many products, and the target has the room.
 */
export function paysWide({ wideBytes }: Target, operands: readonly Value[], multiplyAdds: Dim): boolean {
  const counts = operands.map(codesOf);
  if (typeof multiplyAdds !== 'number' || wideBytes === undefined || counts.includes(undefined)) return false;
  const bytes = (counts as number[]).reduce((sum, count) => sum + 2 * count, 0);
  return bytes <= wideBytes && counts.every((count) => multiplyAdds >= manyProducts * (count as number));
}

/** 8-bit codes that a value of known size holds. */
function codesOf(value: Value): number | undefined {
  const { shape } = tensorType(value);
  return shape.every((dim) => typeof dim === 'number')
    ? shape.reduce<number>((n, d) => n * (d as number), 1)
    : undefined;
}

/** Codes of 16 bits in the order in which those of `codes` lie. */
export const wideType = (codes: Value): TensorType =>
  tensor([staticShape(tensorType(codes)).reduce((n, d) => n * d, 1)], 'i16');

/** The kernel that makes them. */
export function buildWide(k: KernelBuilder, target: Target, type: TensorType, codes: Value, wide: Value): void {
  const access = { strides: [1], offset: 0 };
  const written = { buffer: wide, access };
  writeNest(k, target, type.shape, [access], written, lanesFor(target, 2), ([at], lanes) =>
    k.convert(k.load(codes, at as Value, lanes), 'i16'),
  );
}
