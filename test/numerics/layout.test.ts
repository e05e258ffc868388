import { describe, expect, it } from 'vitest';
import { layoutBytes, packCodes, panelLayout, planeWidths, unpackCodes } from '../../src/numerics/index.ts';

const shapes = [
  { vectorColumns: 4, vectorDepth: 4, width: 16 },
  { vectorColumns: 16, vectorDepth: 1, width: 16 },
  { vectorColumns: 1, vectorDepth: 1, width: 4 },
];
const cases = shapes.flatMap((shape) =>
  [1, 2, 3, 4, 5, 6, 7, 8].flatMap((bits) => [
    { ...shape, bits, columns: 32, groups: 3, depth: 32 },
    { ...shape, bits, columns: 21, groups: 2, depth: 19 },
  ]),
);

describe('panels of bit planes', () => {
  it('six bits are a plane of four and one of two', () => expect(planeWidths(6)).toEqual([4, 2]));

  it.each(cases)('$bits bits, $columns outputs, groups of $depth, vectors $vectorColumns × $vectorDepth', (one) => {
    const layout = panelLayout({ ...one, planes: planeWidths(one.bits) });
    const codeAt = ([n, g, k]: readonly number[]) =>
      (((n as number) * 31 + (g as number) * 17 + (k as number) * 7) * 2654435761) % 2 ** one.bits;
    const bytes = packCodes(layout, codeAt);
    expect(bytes.length).toBe(layoutBytes(layout));
    const codes = unpackCodes(layout, bytes);
    const expected = Uint8Array.from({ length: one.columns * one.groups * one.depth }, (_, i) =>
      codeAt([Math.floor(i / (one.groups * one.depth)), Math.floor(i / one.depth) % one.groups, i % one.depth]),
    );
    expect(codes).toEqual(expected);
    const whole = one.columns % one.width === 0 && one.depth % 32 === 0;
    if (whole) expect(bytes.length * 8).toBe(expected.length * one.bits);
  });

  it('a vector of 4 bits holds 4 outputs by 4 inputs in its low nibbles, and the next 4 in its high ones', () => {
    const spec = { columns: 16, groups: 1, depth: 32, planes: [4], width: 16, vectorColumns: 4, vectorDepth: 4 };
    const bytes = packCodes(panelLayout(spec), ([n, , k]) => ((n as number) + (k as number)) % 16);
    const low = [...bytes.subarray(0, 16)].map((byte) => byte & 15);
    const high = [...bytes.subarray(0, 16)].map((byte) => byte >> 4);
    expect(low).toEqual([0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6]);
    expect(high).toEqual(low.map((v) => v + 4));
  });
});
