/** Codes of `bits` bits without gaps, the first one in the lowest bits of the first byte. @param bits 1..8 */
export function packBits(codes: ArrayLike<number>, bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  for (let i = 0; i < codes.length; i++) {
    const [byte, shift] = [(i * bits) >> 3, (i * bits) & 7];
    const wide = ((codes[i] as number) & (2 ** bits - 1)) << shift;
    bytes[byte] = (bytes[byte] as number) | (wide & 255);
    if (wide > 255) bytes[byte + 1] = (bytes[byte + 1] as number) | (wide >> 8);
  }
  return bytes;
}

/** The first `count` codes of what `packBits` gives. */
export function unpackBits(bytes: ArrayLike<number>, count: number, bits: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => {
    const [byte, shift] = [(i * bits) >> 3, (i * bits) & 7];
    const wide = (bytes[byte] as number) | ((bytes[byte + 1] ?? 0) << 8);
    return (wide >> shift) & (2 ** bits - 1);
  });
}
