import { F32_MIN_NORMAL, formats } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';

const { absmaxScale, absmeanScale, bipolarGrid, codebookGrid, e2m1, e2m3, e3m2, e4m3, e5m2, floatGrid } = formats;
const { fixedPointGrid, integerGrid, kMeansLevels, microscale, nf4, powerOfTwoGrid, searchFloat } = formats;
const { sharedExponent, ternary, twoLevelScale } = formats;
type Grid = formats.Grid;
type ScaleRule = formats.ScaleRule;

/** The numbers that weights of a scheme are rounded to, and how their scales are chosen. */
export interface WeightFormat {
  readonly grid: Grid;
  readonly rule: ScaleRule;
  /** Whether codes are the numbers themselves, in two's complement. */
  readonly isInteger: boolean;
}

/** Weights that a grid is fitted to at most. */
const fitted = 2 ** 16;

const fixed: Readonly<Record<string, Grid>> = { e2m1, e2m3, e3m2, e4m3, e5m2, nf4, ternary };

/** Families of grids by the number of their bits; some look at the weights, in units of the largest of their group. */
const families: Readonly<Record<string, (bits: number, unit: () => Float64Array) => Grid>> = {
  i: integerGrid,
  bipolar: bipolarGrid,
  pot: powerOfTwoGrid,
  float: (bits, unit) => floatGrid(`float${bits}`, searchFloat(unit(), bits)),
  kmeans: (bits, unit) => codebookGrid(`kmeans${bits}`, kMeansLevels(unit(), 2 ** bits)),
};

/** A value of 1 stands for the largest weight of the group: for grids that were fitted in this unit. */
const unitScale: ScaleRule = (block, grid) => absmaxScale(block, { ...grid, largest: 1 });

/** The fixed-point numbers of microscaled integers are integers with another power of two. */
const microscaledInteger: ScaleRule = (block, { bits }) => microscale(block, fixedPointGrid(bits)) / 2 ** (bits - 2);

/** The format of a scheme with symmetric weights. @param weights [inputs, outputs], finite */
export function formatOf(scheme: WeightScheme, weights: Float32Array, outputs: number): WeightFormat {
  const { storage } = scheme;
  const family = storage.replace(/\d$/, '');
  const make = families[family];
  const grid = fixed[storage] ?? make?.(storageBits(storage), () => inUnits(weights, outputs, scheme));
  invariant(grid, `there are numbers for ${storage}`);
  return { grid, rule: positive(ruleOf(scheme, family)), isInteger: family === 'i' || storage === 'ternary' };
}

function ruleOf({ storage, scale }: WeightScheme, family: string): ScaleRule {
  if (scale === 'power-of-two') return family === 'i' ? microscaledInteger : microscale;
  if (scale === 'shared-exponent') return sharedExponent;
  if (scale === 'e4m3') return twoLevelScale;
  if (storage === 'ternary') return absmeanScale;
  return family === 'float' || family === 'kmeans' ? unitScale : absmaxScale;
}

/** Scales are normal numbers. Zeros in a group of zeros stay so small that no sum sees them, on a grid without a zero. */
function positive(rule: ScaleRule): ScaleRule {
  return (block, grid) =>
    block.absmax === 0 && grid.decode(grid.encode(0)) !== 0
      ? F32_MIN_NORMAL
      : Math.max(rule(block, grid), F32_MIN_NORMAL);
}

/** Some of the weights, evenly spread, each over the largest magnitude of its group; without groups of zeros. */
function inUnits(weights: Float32Array, outputs: number, { granularity, group }: WeightScheme): Float64Array {
  const rows = weights.length / outputs;
  const height = granularity === 'group' ? Math.min(group as number, rows) : rows;
  const perGroup = granularity === 'tensor' ? 1 : outputs;
  const most = new Float64Array(Math.ceil(rows / height) * perGroup);
  const groupOf = (i: number) => Math.floor(i / outputs / height) * perGroup + ((i % outputs) % perGroup);
  weights.forEach((w, i) => {
    most[groupOf(i)] = Math.max(most[groupOf(i)] as number, Math.abs(w));
  });
  const step = Math.ceil(weights.length / fitted);
  const some: number[] = [];
  for (let i = 0; i < weights.length; i += step) {
    const largest = most[groupOf(i)] as number;
    if (largest > 0) some.push((weights[i] as number) / largest);
  }
  return Float64Array.from(some.length > 0 ? some : [0]);
}
