import type { Module } from '../ir/index.ts';
import { printModule } from '../text/index.ts';

/** SHA-256 of some bytes, as 64 hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** SHA-256 of a module: of its text, followed by its companion file. */
export async function moduleHash(module: Module): Promise<string> {
  const { text, bin = new Uint8Array(0) } = printModule(module);
  const head = new TextEncoder().encode(text);
  const whole = new Uint8Array(head.length + bin.length);
  whole.set(head);
  whole.set(bin, head.length);
  return sha256(whole);
}
