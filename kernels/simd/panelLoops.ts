import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';

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
  sizes: { readonly columns: number; readonly width: number; readonly rows: number; readonly height: number },
  visit: (tile: PanelTile) => void,
): void {
  const { columns, width, rows } = sizes;
  const height = Math.min(sizes.height, rows);
  const rest = columns % width;
  const whole = Math.floor(columns / width);
  if (target.family === 'simt') {
    k.parallel([rows, whole], ([row, panel]) => visit({ panel: panel as Value, rows: [row as Value], live: width }));
    if (rest !== 0) k.parallel([rows], ([row]) => visit({ panel: k.index(whole), rows: [row as Value], live: rest }));
    return;
  }
  const tiles = (panel: Value, live: number) =>
    k.loop(0, rows, height, (i) => {
      const first = rows % height === 0 ? i : k.min(i, k.index(rows - height));
      visit({ panel, rows: Array.from({ length: height }, (_, r) => k.add(first, k.index(r))), live });
    });
  k.loop(0, whole, 1, (panel) => tiles(panel, width));
  if (rest !== 0) tiles(k.index(whole), rest);
}
