import type { HostTensor } from '../../src/support/tensor.ts';

/** Elements of a row that share a scale: at most so many. */
const largestGroup = 32;

/** Elements of a group for rows of some width: the most that divide it. */
export function rowGroup(width: number): number {
  let group = Math.min(largestGroup, width);
  while (width % group !== 0) group--;
  return group;
}

/** A stretch of a row: where its codes are, and which scale is theirs. */
export interface RowSegment {
  /** Its first element of the row, and how many it has. */
  readonly from: number;
  readonly length: number;
  /** The first stored element, and how far its code is from the lowest bit there; undefined: codes are whole elements. */
  readonly at: number;
  readonly shift: 0 | 4 | undefined;
  readonly group: number;
}

/**
 * Where the elements of a row lie: one after the other, or, of codes of 4 bits, those of the second half above those of
 * the first. @param width of the row as real numbers
 */
export function rowSegments(width: number, nibbles: boolean): RowSegment[] {
  const group = rowGroup(width);
  if (!nibbles) {
    return Array.from({ length: width / group }, (_, g) => {
      return { from: g * group, length: group, at: g * group, shift: undefined, group: g };
    });
  }
  const half = width / 2;
  const borders = [0, half, width, ...Array.from({ length: width / group }, (_, g) => g * group)];
  const begins = [...new Set(borders)].sort((a, b) => a - b);
  return begins.slice(0, -1).map((from, i) => ({
    from,
    length: (begins[i + 1] as number) - from,
    at: from % half,
    shift: from < half ? 0 : 4,
    group: Math.floor(from / group),
  }));
}

/** Rows of codes with scales of their groups: (code · scale) + low. */
export interface RowCodes {
  readonly codes: HostTensor;
  readonly scale: HostTensor;
  readonly low: HostTensor | undefined;
}

/** The real numbers of rows of codes, in f32. */
export function decodedRows({ codes, scale, low }: RowCodes): HostTensor {
  const nibbles = low !== undefined;
  const stored = codes.shape.at(-1) as number;
  const width = nibbles ? 2 * stored : stored;
  const segments = rowSegments(width, nibbles);
  const groups = scale.shape.at(-1) as number;
  const shape = codes.shape.with(-1, width);
  const data = new Float32Array((codes.data.length / stored) * width);
  for (let row = 0; row * width < data.length; row++) {
    for (const { from, length, at, shift, group } of segments) {
      const factor = Number(scale.data[row * groups + group]);
      const offset = low ? Number(low.data[row * groups + group]) : 0;
      for (let i = 0; i < length; i++) {
        const whole = Number(codes.data[row * stored + at + i]);
        const code = shift === undefined ? whole : (whole >> shift) & 15;
        data[row * width + from + i] = Math.fround(code * factor) + offset;
      }
    }
  }
  return { dtype: 'f32', shape, data };
}
