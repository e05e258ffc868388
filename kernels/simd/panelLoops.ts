import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';

/** A tile of results: some rows of one panel. */
export interface PanelTile {
  readonly panel: Value;
  readonly rows: readonly Value[];
  /** How many of the panel's outputs there are. */
  readonly live: number;
}

/** Loops over panels of outputs and, in each, tiles of rows; the last tile overlaps the one before it. */
export function forEachPanelTile(
  k: KernelBuilder,
  sizes: { readonly columns: number; readonly width: number; readonly rows: number; readonly height: number },
  visit: (tile: PanelTile) => void,
): void {
  const { columns, width, rows } = sizes;
  const height = Math.min(sizes.height, rows);
  const rest = columns % width;
  const whole = Math.floor(columns / width);
  const tiles = (panel: Value, live: number) =>
    k.loop(0, rows, height, (i) => {
      const first = rows % height === 0 ? i : k.min(i, k.index(rows - height));
      visit({ panel, rows: Array.from({ length: height }, (_, r) => k.add(first, k.index(r))), live });
    });
  k.loop(0, whole, 1, (panel) => tiles(panel, width));
  if (rest !== 0) tiles(k.index(whole), rest);
}
