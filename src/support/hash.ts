/** FNV-1a of a string's UTF-16 units or of bytes, as 8 hexadecimal digits. Not cryptographic. */
export function fnv1a(content: string | Uint8Array): string {
  let hash = 0x811c9dc5;
  const length = content.length;
  for (let i = 0; i < length; i++) {
    const unit = typeof content === 'string' ? content.charCodeAt(i) : (content[i] as number);
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
