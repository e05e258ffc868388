import { registerBytes } from './shapes.ts';
import type { KernelContext, Register } from './values.ts';

/** A byte of the operands' registers, counted through all of them; undefined where any byte will do. */
type Source = number | undefined;

/**
 * Registers made of bytes of other registers. `sources` says, for each byte of the result, which byte it is.
 * What is already in place costs nothing.
 */
export function permute(c: KernelContext, from: readonly Register[], sources: readonly Source[]): Register[] {
  const results: Register[] = [];
  for (let at = 0; at < sources.length; at += registerBytes) {
    results.push(permuteOne(c, from, sources.slice(at, at + registerBytes)));
  }
  return results;
}

function permuteOne(c: KernelContext, from: readonly Register[], sources: readonly Source[]): Register {
  const needed = [...new Set(sources.filter((s) => s !== undefined).map((s) => Math.floor(s / registerBytes)))];
  const [first = 0, ...others] = needed;
  const register = (i: number) => from[i] as Register;
  if (others.length === 0) {
    if (sources.every((s, i) => s === undefined || s === first * registerBytes + i)) return register(first);
    return shuffle(c, register(first), register(first), mask(sources, first, first));
  }
  let joined = register(first);
  others.forEach((other, n) => {
    // bytes placed by an earlier shuffle are already where they belong
    const place = (s: Source, i: number): Source => {
      if (s === undefined) return undefined;
      const owner = needed.indexOf(Math.floor(s / registerBytes));
      if (owner === n + 1) return registerBytes + (s % registerBytes);
      if (owner > n + 1) return undefined;
      return n === 0 ? s % registerBytes : i;
    };
    joined = shuffle(
      c,
      joined,
      register(other),
      fill(Array.from({ length: registerBytes }, (_, i) => place(sources[i], i))),
    );
  });
  return joined;
}

function mask(sources: readonly Source[], left: number, right: number): number[] {
  return fill(
    Array.from({ length: registerBytes }, (_, i) => {
      const s = sources[i];
      if (s === undefined) return undefined;
      const owner = Math.floor(s / registerBytes);
      return (owner === left ? 0 : owner === right ? registerBytes : 0) + (s % registerBytes);
    }),
  );
}

/** Free bytes continue the run before them, which keeps patterns that engines know. */
function fill(indices: readonly Source[]): number[] {
  let next = 0;
  return indices.map((index) => {
    const chosen = index ?? next % (2 * registerBytes);
    next = chosen + 1;
    return chosen;
  });
}

function shuffle(c: KernelContext, left: Register, right: Register, indices: readonly number[]): Register {
  return c.hold(c.m.i8x16.shuffle(left(), right(), indices));
}

/** The bytes of lanes `start`, `start + step`, … (`count` of them) of `width` bytes. */
export function laneSources(start: number, count: number, width: number, step = 1): number[] {
  return Array.from({ length: count * width }, (_, i) => {
    const lane = start + Math.floor(i / width) * step;
    return lane * width + (i % width);
  });
}
