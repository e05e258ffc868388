const PER_LINE = 8;
const encoder = new TextEncoder();

/** `ATTRIBUTES const uint32_t NAME[] = {…};` with the bytes as little-endian words, padded by zeros. At least one byte. */
export function wordArray(name: string, bytes: Uint8Array, attributes: string): Uint8Array[] {
  const count = Math.ceil(bytes.length / 4);
  const padded = new Uint8Array(count * 4);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  const chunks = [encoder.encode(`${attributes}const uint32_t ${name}[${count}] = {\n`)];
  let lines: string[] = [];
  for (let i = 0; i < count; i += PER_LINE) {
    const line: string[] = [];
    for (let k = i; k < Math.min(i + PER_LINE, count); k++) line.push(`0x${view.getUint32(k * 4, true).toString(16)},`);
    lines.push(`  ${line.join(' ')}\n`);
    if (lines.length === 4096) {
      chunks.push(encoder.encode(lines.join('')));
      lines = [];
    }
  }
  chunks.push(encoder.encode(`${lines.join('')}};\n\n`));
  return chunks;
}

/** Byte arrays one after the other. */
export function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
