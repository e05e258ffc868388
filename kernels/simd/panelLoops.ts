import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, knownSize, type Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';
import { tiled } from '../loops.ts';

/** A tile of results: some rows of one panel. */
export interface PanelTile {
  readonly panel: Value;
  readonly rows: readonly Value[];
  /** How many of the panel's outputs there are. */
  readonly live: number;
}

/**
 * Loops over panels of outputs and, in each, tiles of rows; the last tile overlaps the one before it. SIMT: an
 * invocation for each row of a panel.
 */
export function forEachPanelTile(
  k: KernelBuilder,
  target: Target,
  sizes: {
    readonly columns: number;
    readonly width: number;
    readonly rows: Dim;
    readonly height: number;
    /** The first panel; default: 0. SIMD only. */
    readonly first?: number;
  },
  visit: (tile: PanelTile) => void,
): void {
  const { columns, width, rows } = sizes;
  const rest = columns % width;
  const whole = Math.floor(columns / width);
  if (target.family === 'simt') {
    const all = knownSize(rows);
    k.parallel([all, whole], ([row, panel]) => visit({ panel: panel as Value, rows: [row as Value], live: width }));
    if (rest !== 0) k.parallel([all], ([row]) => visit({ panel: k.index(whole), rows: [row as Value], live: rest }));
    return;
  }
  const tiles = (panel: Value, live: number): void =>
    forEachRowTile(k, rows, sizes.height, (tile) => visit({ panel, rows: tile, live }));
  k.each(sizes.first ?? 0, whole, 1, (panel) => tiles(panel, width));
  if (rest !== 0) tiles(k.index(whole), rest);
}

/** Visits tiles of `height` rows, or equally many fewer; the last one overlaps the one before it. */
export function forEachRowTile(k: KernelBuilder, rows: Dim, height: number, visit: (tile: Value[]) => void): void {
  const rowsFrom = (first: Value, count: number) => Array.from({ length: count }, (_, r) => k.add(first, k.index(r)));
  if (typeof rows !== 'number') {
    tiled(k, rows, height, (first, count) => visit(rowsFrom(first, count)));
    return;
  }
  const least = Math.ceil(rows / Math.ceil(rows / height));
  k.each(0, rows, least, (i) => visit(rowsFrom(rows % least === 0 ? i : k.min(i, k.index(rows - least)), least)));
}
