import type { CacheCodes, Value } from '../../src/ir/index.ts';
import { type RowOps, widthOf } from '../rowOps.ts';

/** A part of a cache's storage: what its name ends with, and its values for some rows. */
export interface CachePart {
  readonly suffix: string;
  readonly value: Value;
}

/** How the rows of a cache (its last axis) are stored, in groups of elements with scales of their own. */
export interface CacheFormat {
  /** What the last axis must be a multiple of. */
  readonly multiple: number;
  encode(ops: RowOps, x: Value): CachePart[];
  decode(ops: RowOps, parts: readonly Value[]): Value;
}

/** Scales of rows of zeros: no division by zero, and zeros come out. */
const leastScale = 2 ** -100;

// code = round(x / s), s = max |x| / 127; x ≈ code · s
const int8: CacheFormat = {
  multiple: 1,
  encode(ops, x) {
    const groups = ops.groups(x).map((group) => {
      const scale = ops.atLeast(ops.times(ops.most(ops.magnitude(group)), ops.number(1 / 127)), leastScale);
      return { codes: ops.to(ops.rounded(ops.over(group, scale)), 'i8'), scale };
    });
    return [
      { suffix: '', value: ops.join(groups.map(({ codes }) => codes)) },
      { suffix: '.scale', value: ops.join(groups.map(({ scale }) => scale)) },
    ];
  },
  decode: (ops, [codes, scale]) => ops.real(codes as Value, scale as Value),
};

// code = round((x − low) / s), s = (high − low) / 15; the two halves of a row share bytes: first + 16 · second
const int4: CacheFormat = {
  multiple: 2,
  encode(ops, x) {
    const groups = ops.groups(x).map((group) => {
      const low = ops.least(group);
      const scale = ops.atLeast(ops.times(ops.minus(ops.most(group), low), ops.number(1 / 15)), leastScale);
      return { codes: ops.rounded(ops.over(ops.minus(group, low), scale)), scale, low };
    });
    const codes = ops.join(groups.map((group) => group.codes));
    const [first, second] = ops.groups(codes, widthOf(codes) / 2) as [Value, Value];
    return [
      { suffix: '', value: ops.to(ops.plus(first, ops.times(second, ops.number(16))), 'u8') },
      { suffix: '.scale', value: ops.join(groups.map(({ scale }) => scale)) },
      { suffix: '.low', value: ops.join(groups.map(({ low }) => low)) },
    ];
  },
  decode: (ops, [codes, scale, low]) => ops.real(codes as Value, scale as Value, low),
};

// half the bits of each element, to nearest
const f16: CacheFormat = {
  multiple: 1,
  encode: (ops, x) => [{ suffix: '', value: ops.to(x, 'f16') }],
  decode: (ops, [halves]) => ops.to(halves as Value, 'f32'),
};

/** The largest power of two that divides the width of rows: its Hadamard matrix is symmetric. */
const blockOf = (width: number): number => width & -width;

// int4 of H·x/n, n the size of H: H·H/n is the identity. A few large elements become many of one size.
const rotated: CacheFormat = {
  ...int4,
  encode(ops, x) {
    const block = blockOf(widthOf(x));
    return int4.encode(ops, ops.transformed(x, block, 1 / block));
  },
  decode(ops, parts) {
    const x = int4.decode(ops, parts);
    return ops.transformed(x, blockOf(widthOf(x)), 1);
  },
};

/** Formats of caches by the word that names them. */
export const cacheFormats: Readonly<Record<CacheCodes, CacheFormat>> = {
  ...{ f16, int8, int4 },
  'int4-rotated': rotated,
};
