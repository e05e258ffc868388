import type { Grid } from './grid.ts';
import { integerGrid } from './integer.ts';

const twoBits = integerGrid(2);

/** −1, 0 and 1 in two bits. The scale is the mean magnitude: The Era of 1-bit LLMs (Ma et al., 2024), section 2. */
export const ternary: Grid = { ...twoBits, name: 'ternary' };

/** Five ternary codes a byte, base 3, the first one lowest: 1.6 bits each. A short end is filled with zeros. */
export function packTrits(codes: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 5));
  for (let i = codes.length - 1; i >= 0; i--) {
    const at = Math.floor(i / 5);
    bytes[at] = (bytes[at] as number) * 3 + ((twoBits.decode(codes[i] as number) + 3) % 3);
  }
  return bytes;
}

/** The first `count` codes of what `packTrits` gives. */
export function unpackTrits(bytes: ArrayLike<number>, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => {
    const digit = Math.floor((bytes[Math.floor(i / 5)] as number) / 3 ** (i % 5)) % 3;
    return digit === 2 ? 3 : digit;
  });
}
