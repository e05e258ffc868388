/** The numbers that the codes of a format stand for, before a scale. Codes are bit patterns, 0..2^bits − 1. */
export interface Grid {
  readonly name: string;
  readonly bits: number;
  /** The largest magnitude of a code. */
  readonly largest: number;
  /** The code whose number is nearest to x; beyond the largest, that one. x must be a number. */
  readonly encode: (x: number) => number;
  readonly decode: (code: number) => number;
}

/** The number of every code, in order: what a kernel looks up. */
export function levelsOf(grid: Grid): number[] {
  return Array.from({ length: 2 ** grid.bits }, (_, code) => grid.decode(code));
}
