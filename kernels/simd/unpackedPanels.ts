import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Dim, Value } from '../../src/ir/index.ts';
import type { GroupProduct, UnpackedProduct } from './groupProduct.ts';
import type { GroupSteps } from './groupTile.ts';
import { forEachRowTile } from './panelLoops.ts';

/**
 * Where the codes of a panel lie as bytes, unpacked once for all rows: [part][group][four inputs][output][input]. Each
 * slot has a panel at a time.
 */
export interface UnpackedPanel {
  readonly parts: number;
  readonly groups: number;
  /** Inputs of a group, its padding among them, divided by four. */
  readonly quads: number;
  /** Outputs of a panel. */
  readonly width: number;
}

/** Slots, whose panels threads compute at once. */
const mostSlots = 8;

/** Steps along the inputs that are written out. */
const unrolledSteps = 8;

export function unpackedBytes({ parts, groups, quads, width }: UnpackedPanel): number {
  return parts * groups * quads * width * 4;
}

export function slotsFor(panels: number): number {
  return Math.min(mostSlots, panels);
}

/** Visits `panels` panels: neighbours in one slot, one after the other. */
export function forEachSlotPanel(k: KernelBuilder, panels: number, visit: (slot: Value, panel: Value) => void): void {
  const slots = slotsFor(panels);
  const each = Math.ceil(panels / slots);
  k.each(0, slots, 1, (slot) => {
    const from = k.scaled(slot, each);
    const to = k.add(from, k.index(each));
    k.loop(from, panels % slots === 0 ? to : k.min(to, k.index(panels)), 1, (panel) => visit(slot, panel));
  });
}

/** Writes the codes of a panel to `bytes`; `units`: vectors of outputs that it has. */
export function unpackPanel(
  k: KernelBuilder,
  panel: UnpackedPanel,
  bytes: Value,
  slot: Value,
  units: number,
  codesOf: (group: Value) => GroupSteps,
): void {
  const { parts, groups, quads, width } = panel;
  const columns = width / units;
  k.loop(0, groups, 1, (g) => {
    const { count, inputs, vectors } = codesOf(g);
    k.loop(0, count, 1, (t) => {
      for (let p = 0; p < parts; p++) {
        const part = k.add(k.scaled(slot, unpackedBytes(panel)), k.index(p * groups * quads * width * 4));
        const at = k.add(k.add(part, k.scaled(g, quads * width * 4)), k.scaled(t, inputs * width));
        for (let u = 0; u < units; u++) {
          for (const { k: i, codes } of vectors(t, u, p)) {
            k.store(codes, bytes, k.add(at, k.index(i * width + u * columns * 4)));
          }
        }
      }
    });
  });
}

/** The codes of a group, from its panel in `bytes`; `unit`: the vector of outputs that a tile begins with. */
export function unpackedSteps(
  k: KernelBuilder,
  { columns }: GroupProduct,
  panel: UnpackedPanel,
  bytes: Value,
  place: { readonly slot: Value; readonly group: Value; readonly unit: Value },
): GroupSteps {
  const { groups, quads, width } = panel;
  const group = k.add(k.scaled(place.slot, unpackedBytes(panel)), k.scaled(place.group, quads * width * 4));
  const from = k.add(group, k.scaled(place.unit, columns * 4));
  return {
    count: quads,
    inputs: 4,
    unroll: [unrolledSteps, 4, 2].find((n) => quads % n === 0) ?? 1,
    vectors(t, u, p) {
      const at = k.add(from, k.index(p * groups * quads * width * 4 + u * columns * 4));
      return [{ k: 0, codes: k.load(bytes, k.add(at, k.scaled(t, width * 4)), columns * 4) }];
    },
  };
}

/** Rows, and vectors of outputs, of the register tile for a panel of `width` outputs. */
export function unpackedTile(
  product: UnpackedProduct,
  { parts, width }: UnpackedPanel,
): readonly [rows: number, units: number] {
  const most = Math.floor(product.accumulators / (product.registers * parts));
  let units = width / product.columns;
  while (units > 1 && units * 4 > most) units /= 2;
  return [Math.max(1, Math.floor(most / units)), units];
}

/** Visits the register tiles of a panel. */
export function forEachUnpackedTile(
  k: KernelBuilder,
  [height, units]: readonly [number, number],
  all: { readonly rows: Dim; readonly units: number },
  visit: (rows: readonly Value[], unit: Value) => void,
): void {
  k.loop(0, all.units, units, (unit) => forEachRowTile(k, all.rows, height, (rows) => visit(rows, unit)));
}
