import { describe, expect, it } from 'vitest';
import { formats } from '../../src/numerics/index.ts';
import { haveVectors, vectorFile } from './contract.ts';

const {
  bipolarGrid,
  codebookGrid,
  decodeRow,
  e2m1,
  e2m3,
  e3m2,
  e4m3,
  e5m2,
  encodeRow,
  fixedPointGrid,
  integerFormat,
  integerGrid,
  kMeansLevels,
  levelsOf,
  nf4,
  nf4g64,
  packRow,
  packTrits,
  powerOfTwoGrid,
  scaledFormat,
  searchFloat,
  sharedExponentFormat,
  ternaryFormat,
  unpackRow,
  unpackTrits,
  unsignedGrid,
} = formats;

/** Independent numbers of a standard normal distribution, by the method of Box and Muller on a 32-bit generator. */
function gaussian(count: number): Float32Array {
  let state = 12345;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - uniform())), 2 * Math.PI * uniform()];
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

const normal = gaussian(2 ** 20);

function meanSquare(values: ArrayLike<number>, of: ArrayLike<number> = new Float64Array(values.length)): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - (of[i] as number)) ** 2;
  return sum / values.length;
}

const decibels = (format: formats.BlockFormat, whole?: number) => {
  const error = meanSquare(normal, decodeRow(encodeRow(normal, format, whole), format));
  return 10 * Math.log10(meanSquare(normal) / error);
};

const facts = () => vectorFile('facts.json') as { id: string; value: never }[];
const fact = (id: string): unknown => facts().find((one) => one.id === id)?.value;

const table: Record<string, formats.BlockFormat> = {
  MXFP4: formats.mxfp4,
  MXFP6_e2m3: formats.mxfp6,
  MXFP6_e3m2: formats.mxfp6e3m2,
  MXFP8_e4m3: formats.mxfp8,
  MXFP8_e5m2: formats.mxfp8e5m2,
  MXINT8: formats.mxint8,
  INT4_g16: integerFormat(4, 16),
  INT4_g32: integerFormat(4, 32),
  INT4_g64: integerFormat(4, 64),
  INT8_g32: integerFormat(8, 32),
  E2M1_g32: scaledFormat(e2m1, 32),
  E2M1_g64: scaledFormat(e2m1, 64),
  NF4_g32: scaledFormat(nf4, 32),
  NF4_g64: nf4g64,
  NVFP4: formats.nvfp4,
};

describe.skipIf(!haveVectors)('signal-to-noise on normal numbers (../shared/conformance/formats/facts.json)', () => {
  const known = haveVectors ? (fact('gauss_blocks_dB') as Record<string, number>) : {};
  it('names the same formats', () => expect(Object.keys(table).sort()).toEqual(Object.keys(known).sort()));

  it.each(Object.entries(known))('%s: %f dB', (name, expected) => {
    expect(Math.abs(decibels(table[name] as formats.BlockFormat) - expected)).toBeLessThan(0.05);
  });

  it('k-means finds the levels of Lloyd and Max', () => {
    const expected = fact('lloyd_max') as Record<string, number>;
    const some = normal.subarray(0, 2 ** 18);
    for (const [bits, mse] of Object.entries(expected)) {
      const grid = codebookGrid('lloyd', kMeansLevels(some, 2 ** Number(bits)));
      const error = meanSquare(
        some,
        Float64Array.from(some, (x) => grid.decode(grid.encode(x))),
      );
      expect(Math.abs(error / mse - 1), `${bits} bits`).toBeLessThan(0.03);
    }
  });

  it('bipolar integers at the best step are the uniform quantizer of Max', () => {
    const expected = fact('uniform_opt') as Record<string, [number, number]>;
    for (const [bits, [mse, step]] of Object.entries(expected)) {
      const grid = bipolarGrid(Number(bits));
      const error = meanSquare(
        normal,
        Float64Array.from(normal, (x) => (grid.decode(grid.encode((2 * x) / step)) * step) / 2),
      );
      expect(Math.abs(error / mse - 1), `${bits} bits`).toBeLessThan(0.01);
    }
  });
});

const grids = [
  ...[2, 3, 4, 5, 6, 7, 8].flatMap((bits) => [integerGrid(bits), unsignedGrid(bits), bipolarGrid(bits)]),
  ...[e2m1, e2m3, e3m2, e4m3, e5m2, nf4, fixedPointGrid(8)],
  ...[3, 4, 5].map(powerOfTwoGrid),
];

describe('every grid', () => {
  it.each(grids)('$name: a number nearest to what is encoded', (grid) => {
    const levels = levelsOf(grid).filter(Number.isFinite);
    const top = Math.max(...levels);
    const bottom = grid.name.startsWith('i') || grid.name.startsWith('fixed') ? -top : Math.min(...levels);
    for (let i = -300; i <= 300; i++) {
      const x = (i * grid.largest) / 271;
      const y = grid.decode(grid.encode(x));
      const inside = Math.min(Math.max(x, bottom), top);
      const nearest = Math.min(...levels.map((level) => Math.abs(level - inside)));
      expect(Math.abs(y - inside), `${x} → ${y}`).toBeCloseTo(nearest, 12);
    }
  });

  it.each(grids)('$name: numbers of codes have those codes', (grid) => {
    for (const level of levelsOf(grid)) {
      if (!Number.isFinite(level) || Math.abs(level) > grid.largest) continue;
      expect(grid.decode(grid.encode(level))).toBe(level);
    }
  });
});

describe('packing', () => {
  const row = normal.subarray(0, 211);
  it.each([
    ...Object.values(table),
    ...[2, 3, 5, 6, 7].map((bits) => integerFormat(bits, 16)),
    sharedExponentFormat(5, 16),
  ])('$name: as many bits as it has, and back', (format) => {
    const encoded = encodeRow(row, format);
    const bytes = packRow(encoded, format);
    expect(bytes.length).toBe(Math.ceil((row.length * format.grid.bits) / 8));
    expect(unpackRow(bytes, row.length, format)).toEqual(encoded.codes);
  });

  it('five ternary codes a byte', () => {
    const { codes } = encodeRow(row, ternaryFormat(32));
    const bytes = packTrits(codes);
    expect(bytes.length).toBe(Math.ceil(211 / 5));
    expect(unpackTrits(bytes, 211)).toEqual(codes);
  });
});

describe('scales', () => {
  it('of shared exponents let nothing saturate, and half of them would', () => {
    const format = sharedExponentFormat(4, 16);
    const { scales } = encodeRow(normal.subarray(0, 4096), format);
    scales.forEach((scale, b) => {
      const absmax = Math.max(...normal.subarray(16 * b, 16 * b + 16).map(Math.abs));
      expect(absmax / scale).toBeLessThanOrEqual(7);
      expect(absmax / (scale / 2)).toBeGreaterThan(7);
    });
  });

  it('of blocks of zeros are positive', () => {
    for (const format of [...Object.values(table), sharedExponentFormat(4, 16), ternaryFormat(32)]) {
      const encoded = encodeRow(new Float32Array(64), format);
      expect(encoded.scales.every((scale) => scale > 0)).toBe(true);
      expect(decodeRow(encoded, format).every((x) => x === 0)).toBe(true);
    }
  });
});

it('a searched float has many mantissa bits for uniform numbers, and many exponent bits for wide ones', () => {
  const uniform = Array.from({ length: 2001 }, (_, i) => (i - 1000) / 37);
  // each octave holds as much energy as the one above
  const wide = [0, 1, 2, 3, 4, 5].flatMap((k) =>
    Array.from({ length: 4 ** k }, (_, i) => ((i % 2 ? 1 : -1) * (1 + (i + 0.5) / 4 ** k)) / 2 ** k),
  );
  expect(searchFloat(uniform, 6).exponentBits).toBe(1);
  expect(searchFloat(wide, 6).exponentBits).toBeGreaterThanOrEqual(3);
});
