/** Tables where golden vectors are silent: asymptotes, poles, functions with parameters, narrowed results. */
import { describe, expect, it } from 'vitest';
import {
  averageMultipliers,
  clipFunction,
  eluFunction,
  hardSigmoidFunction,
  leakyReluFunction,
  powerFunction,
  siluFunction,
  softmaxOutputMultiplier,
  tableEntry,
  tableFunctions,
  unaryTable,
} from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

const i8 = (scale: number, zeroPoint = 0) => ({ scale, zeroPoint, qmin: -128, qmax: 127 });

/** Entry of code q in a table over i8. */
function entry(table: ArrayLike<number>, q: number): number | undefined {
  return table[q + 128];
}

describe('ties of tables', () => {
  // x = 101.5 steps of the result exactly, and the function lies a hair beside x.
  it.each([2 ** -3, 1, 2 ** 10, 2 ** 100])('functions below x take the lower code, at scale %f', (Sy) => {
    const x = 101.5 * Sy;
    for (const name of ['gelu', 'gelu_tanh', 'silu', 'mish'] as const) {
      expect(tableEntry(tableFunctions[name], x, i8(Sy)), name).toBe(101);
    }
    expect(tableEntry(siluFunction(1.702), x, i8(Sy))).toBe(101);
    // x·σ(−b·x) lies above x for x < 0
    expect(tableEntry(siluFunction(-1.702), -x, i8(Sy))).toBe(-101);
    expect(tableEntry(tableFunctions.relu, x, i8(Sy))).toBe(102);
    expect(tableEntry(tableFunctions.softplus, 100.5 * Sy, i8(Sy))).toBe(101);
  });

  it('a function that only approaches its limit never reaches it', () => {
    // −1 is half a step and −3 one and a half: ties, were they reached.
    expect(tableEntry(tableFunctions.tanh, -300, i8(2))).toBe(0);
    expect(tableEntry(eluFunction(3), -200, i8(2))).toBe(-1);
    expect(tableEntry(eluFunction(3), -200000, i8(2))).toBe(-1);
    expect(tableEntry({ value: () => -3 }, 0, i8(2))).toBe(-2);
  });

  it('fractions are decided exactly', () => {
    // A third in f32 lies above 1/3, so that no product is a tie; ⌊x + ½⌋ in whole numbers is then the nearest.
    const third = Math.fround(1 / 3);
    const numerator = BigInt(third * 2 ** 26);
    for (let q = -128; q < 0; q++) {
      const halves = 2n * numerator * BigInt(q) + (1n << 26n);
      expect(tableEntry(leakyReluFunction(third), q, i8(1))).toBe(Number(halves >> 27n));
    }
    expect(tableEntry(hardSigmoidFunction(0.25, 0.5), 1, i8(0.5))).toBe(2);
    expect(tableEntry(powerFunction(3), 1.5, i8(0.75))).toBe(4);
    expect(tableEntry(powerFunction(-1), 0.25, i8(8))).toBe(0);
  });
});

describe('tables', () => {
  it('poles and undefined places', () => {
    const out = { ...i8(0.0625, 7), qmin: -100, qmax: 100 };
    const reciprocal = unaryTable(tableFunctions.reciprocal, i8(0.125), out);
    expect(entry(reciprocal, 0)).toBe(100);
    expect(entry(unaryTable(tableFunctions.log, i8(0.125), out), 0)).toBe(-100);
    expect(entry(unaryTable(tableFunctions.log, i8(0.125), out), -1)).toBe(7);
    expect(entry(unaryTable(tableFunctions.rsqrt, i8(0.125), out), 0)).toBe(100);
  });

  it('storage of the result', () => {
    const u8 = { scale: 1, zeroPoint: 0, qmin: 0, qmax: 255 };
    expect(unaryTable(tableFunctions.relu, i8(1), u8)).toBeInstanceOf(Uint8Array);
    expect(unaryTable(tableFunctions.relu, i8(1), i8(1))).toBeInstanceOf(Int8Array);
    expect(unaryTable(tableFunctions.relu, i8(1), { ...u8, qmax: 6 }, true)).toBeInstanceOf(Uint8Array);
    const clipped = unaryTable(clipFunction(-1, 6), u8, u8);
    expect(Array.from(clipped.subarray(0, 9))).toEqual([0, 1, 2, 3, 4, 5, 6, 6, 6]);
    expect(() => unaryTable(tableFunctions.relu, i8(0.1), i8(1))).toThrow(QcError);
  });

  it('plain functions', () => {
    expect(Array.from(unaryTable((x) => x / 2, i8(1), i8(1))).slice(128, 134)).toEqual([0, 0, 1, 2, 2, 2]);
  });
});

describe('multipliers of softmax and of pools', () => {
  it('softmax to its own scale is a shift', () => {
    expect(softmaxOutputMultiplier(2 ** -8)).toEqual({ m: 2 ** 30, s: 37 });
  });

  it('one multiplier a count', () => {
    const multipliers = averageMultipliers(1, 1, 4);
    expect(multipliers.map(({ m, s }) => m / 2 ** s)).toEqual([1, 0.5, expect.closeTo(1 / 3, 9), 0.25]);
  });
});
