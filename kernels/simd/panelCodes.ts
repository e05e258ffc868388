import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { type CodeLayout, type Plane, planeOffsets } from '../../src/numerics/index.ts';

/** Codes of one vector: `depth` neighbouring inputs of each of the vector's outputs, the first input being `k`. */
export interface CodeVector {
  readonly k: number;
  readonly codes: Value;
}

/**
 * The codes of one unit of a tile, as vectors of u8 in the order of their inputs.
 * @param at the tile's first byte
 * @param planes which planes make up a code, lowest bits first
 * @param units how many neighbouring units a vector takes: more than one only where a unit is one vector
 */
export function unpackUnit(
  k: KernelBuilder,
  layout: CodeLayout,
  planes: readonly number[],
  packed: Value,
  at: Value,
  units = 1,
): CodeVector[] {
  const offsets = planeOffsets(layout);
  const lowest = layout.planes[planes[0] as number]?.from ?? 0;
  const parts = planes.map((p) => {
    const plane = layout.planes[p] as Plane;
    return unpackPlane(k, plane, packed, k.add(at, k.index(offsets[p] as number)), units).map(
      ({ k: first, codes }) => ({
        k: first,
        codes: k.shl(codes, plane.from - lowest),
      }),
    );
  });
  const [first = [], ...others] = parts;
  return first.map(({ k: from, codes }) => ({
    k: from,
    codes: others.reduce((sum, part) => k.or(sum, part.find((one) => one.k === from)?.codes as Value), codes),
  }));
}

function unpackPlane(
  k: KernelBuilder,
  { bits, bytes, fields }: Plane,
  packed: Value,
  at: Value,
  units: number,
): CodeVector[] {
  const [vectors, ...inside] = bytes;
  const lanes = inside.reduce((n, { size }) => n * size, units);
  const mask = 2 ** bits - 1;
  return Array.from({ length: vectors?.size ?? 1 }, (_, v) => {
    const whole = k.load(packed, k.add(at, k.index(v * lanes)), lanes);
    return Array.from({ length: fields.size }, (_, f) => {
      const shifted = k.shr(whole, f * bits);
      const isTop = (f + 1) * bits === 8;
      const codes = isTop ? shifted : k.and(shifted, k.constant(mask, 'u8', shifted));
      return { k: v * (vectors?.step ?? 0) + f * fields.step, codes };
    });
  }).flat();
}
