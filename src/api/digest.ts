import type { Module } from '../ir/index.ts';
import { printModule, printModuleLazily } from '../text/index.ts';

/** SHA-256 of some bytes, as 64 hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * SHA-256 of a module: of its text without large weights, followed by a line with the SHA-256 of each of these. So only
 * one resource is in memory at a time.
 */
export async function moduleHash(module: Module): Promise<string> {
  const parts = [printModule(module, { weights: 'random' }).text];
  for (const resource of printModuleLazily(module).large) parts.push(await sha256(resource.bytes()));
  return sha256(new TextEncoder().encode(parts.join('\n')));
}
