import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { addDim, type Dim, floorDivDim, knownSize, mulDim, productOf, type Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import type { Border } from '../border.ts';
import { tiled } from '../loops.ts';
import { indicesOf, wordOf, writeFlat } from '../write.ts';
import { type InnerProduct, widestUnit } from './innerProduct.ts';
import { inputOf, rowOf, windowOf } from './outputRow.ts';
import { reduceSegments, together } from './segments.ts';

/** A loop around tiles: what one turn adds to the activations' index and to the number of the output row. */
export interface OuterLoop {
  readonly extent: Dim;
  readonly input: Dim;
  readonly row: Dim;
}

/**
 * A matmul or convolution as inner products: for each group, output row and output column,
 * Σ over segments and runs of activations · weights. Sizes and steps count elements.
 */
export interface Contraction {
  readonly groups: Dim;
  /** Outputs of a group. */
  readonly columns: Dim;
  /** Step from one group's activations to the next one's. */
  readonly groupStep: Dim;
  readonly outer: readonly OuterLoop[];
  /** Rows of the innermost loop, which tiles are cut from, and the step between their activations. */
  readonly rows: Dim;
  readonly rowStep: Dim;
  /** Pieces of the sum that lie apart in the activations: counts and steps, outermost first. */
  readonly segments: readonly { readonly extent: number; readonly step: Dim }[];
  /** Contiguous activations in each segment. */
  readonly run: Dim;
  /** Where segments may lie outside: each of `outer` but the first, and `rows`, is an axis, and so is each segment. */
  readonly border?: Border;
}

/** Where weights lie: steps, in elements, from one group, panel, unit and k step to the next. */
export interface WeightSteps {
  readonly group: Dim;
  readonly panel: number;
  readonly unit: number;
  readonly step: Dim;
  /** Step from one group's start vector to the next one's. */
  readonly starts: number;
}

/** Where a row of sums belongs. `column` counts from the group's first output. */
export interface Sums {
  readonly group: Value;
  readonly row: Value;
  readonly column: Value;
  readonly lanes: number;
  /** How many of the lanes are real outputs. */
  readonly live: number;
}

/** The steps of packed panels: [group][panel][segment][k step][unit][column][k in step]. */
export function packedSteps(problem: PackedContraction, product: InnerProduct, shape: PackedPanels): WeightSteps {
  const { width, panels } = shape;
  const step = width * product.step;
  const panel = segmentCount(problem) * Math.ceil(problem.run / product.step) * step;
  return { group: panels * panel, panel, unit: product.columns * product.step, step, starts: panels * width };
}

/** How panels are cut: outputs a panel holds, in units, and panels for each group. */
export interface PanelShape {
  readonly width: number;
  readonly panels: Dim;
}

/** Panels that are made when the program is compiled. */
export interface PackedPanels extends PanelShape {
  readonly panels: number;
}

/** A contraction whose weights are known. */
export interface PackedContraction extends Contraction {
  readonly groups: number;
  readonly columns: number;
  readonly run: number;
}

/** Panels that every way of computing can read; `unit`: outputs that the baseline computes together. */
export function panelShape(problem: Contraction, unit: number, target: Target): PackedPanels {
  const columns = knownSize(problem.columns);
  const { rows } = problem;
  const panel = (width: number) => ({ width, panels: Math.ceil(columns / width) });
  if (target.family === 'simt') return panel(largestDivisor(columns, 4));
  if (unit > 1 && columns <= 16) {
    let width = unit;
    while (width < columns) width *= 2;
    return panel(width);
  }
  if (widestUnit(target) > 8) return panel(widestUnit(target));
  // few rows leave registers for wider panels, unless a part of one would be left over
  if (rows === 1 && columns % 32 === 0) return panel(32);
  const wide = typeof rows === 'number' && rows <= 2 && (columns % 16 === 0 || columns % 8 !== 0);
  return panel(wide ? 16 : Math.max(unit, Math.min(8, columns)));
}

export function segmentCount(problem: Contraction): number {
  return problem.segments.reduce((n, s) => n * s.extent, 1);
}

/** The largest divisor of n up to `most`. */
function largestDivisor(n: number, most: number): number {
  let divisor = Math.max(1, Math.min(n, most));
  while (n % divisor !== 0) divisor--;
  return divisor;
}

/** Buffers of a contraction kernel. */
interface Buffers {
  readonly x: Value;
  readonly w: Value;
  readonly starts: Value;
  readonly y: Value;
}

/** What is written for a row of sums, and where it begins. */
export interface Finished {
  readonly value: Value;
  readonly element: Value;
}

/** Rows and outputs of the register tile: as many rows as the accumulators allow, and equally many in each tile. */
export function tileOf(
  problem: Contraction,
  target: Target,
  product: InnerProduct,
  width: number,
): readonly [number, number] {
  const block = blockOf(target, product, width);
  const fitting = Math.floor(accumulatorsOf(target, product) / ((block / product.columns) * product.registers));
  const most = target.tileRows ?? Math.max(1, fitting) * (product.rows ?? 1);
  // an invocation's tile is whole: none overlaps another
  if (target.family === 'simt') return [largestDivisor(knownSize(problem.rows), most), width];
  if (typeof problem.rows !== 'number') return [most, block];
  return [Math.ceil(problem.rows / Math.ceil(problem.rows / most)), block];
}

const accumulatorsOf = (target: Target, product: InnerProduct) => product.accumulators ?? target.accumulators;

/** Outputs of a tile: a panel, or the part of one that was made for wider products which leaves room for four rows. */
function blockOf(target: Target, product: InnerProduct, width: number): number {
  if (widestUnit(target) <= 8) return width;
  let block = width;
  while (block > product.columns && (block / product.columns) * product.registers * 4 > accumulatorsOf(target, product))
    block /= 2;
  return block;
}

/** The loops of a contraction. `finish` turns the sums of one row of a tile into what is stored. */
export function buildContraction(
  k: KernelBuilder,
  problem: Contraction,
  target: Target,
  product: InnerProduct,
  { width, panels }: PanelShape,
  at: WeightSteps,
  { x, w, starts, y }: Buffers,
  finish: (sums: Value, place: Sums) => Finished,
): void {
  const [height, block] = tileOf(problem, target, product, width);
  const isSimt = target.family === 'simt';
  const runSteps = floorDivDim(addDim(problem.run, product.step - 1), product.step);
  const prepared = product.prepare(k, productOf([problem.groups, panels, width]));

  /** Results of `height` rows from `row` on and of the outputs of `units` units, a row each. */
  const tile = (
    { group, panel, unit, input, row, window }: TilePlace,
    { height, units, live }: { readonly height: number; readonly units: number; readonly live: number },
    from?: Value,
  ): Finished[] => {
    const first = from ?? k.scaled(unit, product.columns);
    const start = k.add(k.add(k.scaled(group, at.starts), k.scaled(panel, width)), first);
    const weights = k.add(k.add(k.scaled(group, at.group), k.scaled(panel, at.panel)), from ?? k.scaled(unit, at.unit));
    const rows = together(
      Array.from({ length: height }, (_, r) => k.add(input, k.index(mulDim(r, problem.rowStep)))),
      product.rows ?? 1,
    );
    const columnOf = (u: number) => k.add(start, k.index(u * product.columns));
    const begin = rows.flatMap(() =>
      Array.from({ length: units }, (_, u) => prepared.start(starts, columnOf(u))).flat(),
    );
    const windows = window && rows.map((_, r) => rowWindow(k, problem, window, r));
    const shape = { prepared, product, units, runSteps, at };
    const sums = reduceSegments(k, problem, shape, { x, w }, { rows, windows }, weights, begin);
    const column = k.add(k.scaled(panel, width), first);
    const each = product.registers;
    const results = rows.flatMap((_, r) => {
      const parts = Array.from({ length: units }, (_, u) => {
        const from = (r * units + u) * each;
        return prepared.finish(sums.slice(from, from + each), starts, columnOf(u));
      });
      return (parts[0] as readonly Value[]).map((_, i) => k.concat(parts.map((part) => part[i] as Value)));
    });
    return results.slice(0, height).map((value, r) => {
      const place = { group, row: k.add(row, k.index(r)), column, lanes: units * product.columns, live };
      return finish(value, place);
    });
  };

  if (isSimt) {
    distribute(k, problem, target, { width, panels, height }, y, (place, shape) =>
      tile(place, { ...shape, live: shape.units * product.columns }),
    );
    return;
  }

  invariant(!problem.border, 'padding is an op of its own for vectors');
  const fullUnits = block / product.columns;
  /** `units` units of outputs for all rows: of a panel from its unit `first` on, or from a column on where weights lie as they are. */
  const rowTiles = (
    { group, panel, first }: Record<'group' | 'panel' | 'first', Value>,
    live: number,
    column?: Value,
    units = fullUnits,
  ): void => {
    const visit = (depth: number, input: Value, row: Value): void => {
      const loop = problem.outer[depth];
      if (loop) {
        k.each(0, loop.extent, 1, (i) =>
          visit(depth + 1, k.add(input, k.scaled(i, loop.input)), k.add(row, k.scaled(i, loop.row))),
        );
        return;
      }
      const rowsAt = (m: Value, height: number): void => {
        const place = {
          group,
          panel,
          unit: first,
          input: k.add(input, k.scaled(m, problem.rowStep)),
          row: k.add(row, m),
        };
        // without vectors, what lies behind the last output is not even read
        const shape = { height, units: product.columns === 1 ? live : units, live };
        for (const { value, element } of tile(place, shape, column)) k.store(value, y, element, live);
      };
      const { rows } = problem;
      if (typeof rows !== 'number') {
        tiled(k, rows, height, rowsAt);
        return;
      }
      // the last tile overlaps the one before it rather than being shorter
      k.each(0, rows, height, (i) => rowsAt(rows % height === 0 ? i : k.min(i, k.index(rows - height)), height));
    };
    visit(0, k.scaled(group, problem.groupStep), k.index(0));
  };

  const { columns } = problem;
  if (typeof columns !== 'number' || typeof panels !== 'number') {
    invariant(at.unit === product.columns && at.panel === width, 'weights of open sizes are not packed');
    k.each(0, problem.groups, 1, (group) => {
      const place = { group, panel: k.index(0), first: k.index(0) };
      tiled(k, columns, width, (column, live) => rowTiles(place, live, column, live === 1 ? 1 : fullUnits));
    });
    return;
  }
  /** The blocks of a panel whose first `live` outputs are real ones. */
  const blocks = (group: Value, panel: Value, live: number): void => {
    const whole = Math.floor(live / block);
    k.each(0, whole, 1, (b) => rowTiles({ group, panel, first: k.scaled(b, fullUnits) }, block));
    if (live % block !== 0) rowTiles({ group, panel, first: k.index(whole * fullUnits) }, live % block);
  };

  const rest = columns % width;
  k.each(0, problem.groups, 1, (group) => {
    k.each(0, rest === 0 ? panels : panels - 1, 1, (panel) => blocks(group, panel, width));
    if (rest !== 0) blocks(group, k.index(panels - 1), rest);
  });
}

/** Which tile is computed, and where the window of its first row begins. */
interface TilePlace extends Record<'group' | 'panel' | 'unit' | 'input' | 'row', Value> {
  readonly window?: readonly Value[] | undefined;
}

/** Where the window of row `r` of a tile begins, given that of the first. */
function rowWindow(k: KernelBuilder, { border }: Contraction, window: readonly Value[], r: number): Value[] {
  const stride = border?.axes.at(-1)?.stride ?? 0;
  return window.with(-1, k.add(window.at(-1) as Value, k.index(r * stride)));
}

/**
 * SIMT: an invocation for each tile, neighbours along the outputs. Where a row of a tile is no whole number of words,
 * one for each word of the result, whose elements are computed one by one.
 */
function distribute(
  k: KernelBuilder,
  problem: Contraction,
  target: Target,
  { width, panels, height }: PanelShape & { readonly height: number },
  y: Value,
  tile: (place: TilePlace, shape: { readonly height: number; readonly units: number }) => Finished[],
): void {
  const { outer } = problem;
  const [groups, rows, columns] = [problem.groups, problem.rows, problem.columns].map(knownSize) as [
    number,
    number,
    number,
  ];
  const extents = outer.map(({ extent }) => knownSize(extent));
  const word = wordOf(target, y);
  if (width % word === 0) {
    k.parallel([groups, ...extents, rows / height, panels], (indices) => {
      const [group, ...rest] = indices as [Value, ...Value[]];
      const panel = rest.at(-1) as Value;
      const at = rest.slice(0, -2);
      const m = k.scaled(rest.at(-2) as Value, height);
      const place = {
        group,
        panel,
        unit: k.index(0),
        input: inputOf(k, problem, group, at, m),
        row: rowOf(k, problem, at, m),
        window: windowOf(k, problem, at, m),
      };
      for (const { value, element } of tile(place, { height, units: width })) k.store(value, y, element);
    });
    return;
  }
  const total = extents.reduce((n, d) => n * d, rows * groups * columns);
  writeFlat(k, y, total, word, (element) => {
    const indices = indicesOf(k, [...extents, rows, groups, columns], element);
    const [m, group, column] = indices.slice(-3) as [Value, Value, Value];
    const at = indices.slice(0, -3);
    const panel = k.quotient(column, width);
    const unit = k.remainder(column, width);
    const [input, row] = [inputOf(k, problem, group, at, m), rowOf(k, problem, at, m)];
    const place = { group, panel, unit, input, row, window: windowOf(k, problem, at, m) };
    return (tile(place, { height: 1, units: 1 })[0] as Finished).value;
  });
}
