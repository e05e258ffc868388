import { existsSync, readFileSync } from 'node:fs';

/** Folder of the golden vectors that qc did not write. */
const folder = new URL('../../../shared/conformance/formats/', import.meta.url);

/** Whether the golden vectors are here. */
export const haveVectors = existsSync(new URL('qc_contract.json', folder));

/** One case: a row of a section's columns, each typed by the test that reads it. */
// biome-ignore lint/suspicious/noExplicitAny: rows are heterogeneous JSON, described by the section's `columns`
export type Case = any[];

/** A parsed vector file. */
// biome-ignore lint/suspicious/noExplicitAny: the shape differs from file to file
export function vectorFile(name: string): any {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

let sections: Map<string, Case[]> | undefined;

/** The cases of a section of qc_contract.json. */
export function contractCases(name: string): Case[] {
  sections ??= new Map(
    vectorFile('qc_contract.json').sections.map((s: { name: string; cases: Case[] }) => [s.name, s.cases]),
  );
  const cases = sections.get(name);
  if (!cases) throw new Error(`no section ${name}`);
  return cases;
}

const view = new DataView(new ArrayBuffer(4));

/** The f32 with a bit pattern in hex. */
export function f32(hex: string): number {
  view.setUint32(0, Number.parseInt(hex, 16));
  return view.getFloat32(0);
}

/** The bit pattern of an f32 in hex. */
export function hex(x: number): string {
  view.setFloat32(0, x);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

/** A seeded source of numbers in [0, 1) (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Smallest and largest code of a storage type. */
export function range(type: string): [number, number] {
  if (type === 'u8') return [0, 255];
  return type === 'i16' ? [-32768, 32767] : [-128, 127];
}
