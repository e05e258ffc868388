import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { productOf, type StoredWeights, staticShape, storedSpans, tensor, type Value } from '../../src/ir/index.ts';
import { tileSteps } from '../../src/numerics/index.ts';
import { intrinsics } from '../../src/target/index.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { lookUp } from './codeLevels.ts';
import type { GroupProduct } from './groupProduct.ts';
import {
  areFew,
  constantsOf,
  featureOf,
  type GroupSpan,
  manyRows,
  packSpan,
  readSpan,
  type SpanBuffers,
  type SpanProduct,
} from './groupSpan.ts';
import { type GroupShape, type GroupSteps, type GroupTile, groupTotals } from './groupTile.ts';
import { unpackUnit } from './panelCodes.ts';
import { forEachPanelTile, forEachRowTile } from './panelLoops.ts';
import { forEachSlotPanel, forEachUnpackedTile, unpackedSteps, unpackedTile, unpackPanel } from './unpackedPanels.ts';

/** Tiles of a group up to which they are all written out. */
const unrolledTiles = 4;

/** The outputs of sums, and where the constants of these lie. */
export interface SumPlace {
  readonly column: Value;
  readonly lanes: number;
  /** The factors of outputs, where sums are whole numbers until the end. */
  readonly factors: Value | undefined;
}

/** A matrix product in groups. */
export interface GroupProblem {
  readonly weights: Value;
  readonly stored: StoredWeights;
  /** Whether scales are whole numbers as they are. */
  readonly whole: boolean;
  /** Codes [rows, groups·padded] and their sums [rows, groups]. */
  readonly a: Value;
  readonly sums: Value;
  /** The int.sum_tables of a, where sums are looked up. */
  readonly tables: Value | undefined;
  /** What the ends of sums read. */
  readonly beside: readonly Value[];
  /** Declares the buffers of these; gives, for a row, results for sums. */
  readonly ending: (k: KernelBuilder) => (row: Value) => (sum: Value, place: SumPlace) => Value;
}

/**
 * The kernel of a product in groups: exact sums of a group in 32 bits, then one multiplication by the group's scale. Few
 * rows unpack codes in registers; many share panels that are unpacked to memory. Outputs of each width have loops of
 * their own.
 */
export function groupKernel(cluster: Cluster, context: KernelContext, problem: GroupProblem): KernelPlan {
  const { root } = cluster;
  const { weights, stored, whole, a, sums, tables } = problem;
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const { groups } = stored;
  const { shape } = tensorType(a);
  const rows = productOf(shape.slice(0, -1));
  const asked = { rows, tables: tables !== undefined, whole, where: root.source };
  const spans = storedSpans(stored, columns).map((span) => packSpan(context, weights, span, asked));
  const factors = tables ?? a;
  const others = epilogueOperands(cluster);
  const rowStep = shape.at(-1) as number;

  const build = (k: KernelBuilder, feature: string | undefined): void => {
    const activations = context.input(k, 'a', factors);
    const groupSums = context.input(k, 'sums', sums);
    const end = problem.ending(k);
    const read = spans.map((span, i) => readSpan(k, context, span, [i, spans.length]));
    const loaded = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const memory = spans.map((span, i) => {
      const name = spans.length === 1 ? 'unpacked' : `unpacked${i}`;
      return span.scratch > 0 ? k.buffer(name, 'u8', 'output') : undefined;
    });
    const after = epilogue(cluster, loaded);

    const multiplySpan = (span: GroupSpan, of: SpanBuffers, bytes: Value | undefined): void => {
      const { outputs, parts, unit, width, unpacked, inRegister, commonZero } = span;
      const { product, ofMany } = productFor(span, feature);
      const [panelStep = 0, groupStep = 0, tileStep = 0, unitStep = 0] = tileSteps(of.layout);
      const { step: inputsOfTile = 1, size: tiles = 1 } = of.layout.tiles[2] ?? {};
      const shifts = parts.map(({ shift }) => shift);
      const common: GroupShape = { groups, rowStep, width, commonZero, shifts };
      const buffers = { activations, sums: groupSums, scales: of.scales, zeros: of.zeros };
      const packedSteps = (panel: Value, g: Value, { columns }: Pick<GroupProduct, 'columns'>): GroupSteps => ({
        count: tiles,
        inputs: inputsOfTile,
        unroll: tiles <= unrolledTiles ? tiles : 1,
        vectors(t, u, p) {
          const from = k.add(k.scaled(panel, panelStep), k.scaled(g, groupStep));
          const at = k.add(from, k.add(k.scaled(t, tileStep), k.index(u * unitStep * (columns / unit))));
          if (tables) return [{ k: 0, codes: k.load(of.packed, at, columns * of.layout.planes.length) }];
          const table = of.levels[p];
          const planes = parts[p]?.planes ?? [];
          return unpackUnit(k, of.layout, planes, of.packed, at, columns / unit).map(({ k: i, codes }) => ({
            k: i,
            codes: table ? lookUp(k, table, codes, inRegister) : codes,
          }));
        },
      });
      /** Writes the first `live` outputs of a tile. */
      const finish = (
        totals: readonly Value[],
        { panel, rows: tile, unit: from, units: count }: GroupTile,
        live: number,
      ) => {
        const unit = totals[0]?.type.kind === 'vec' ? totals[0].type.lanes : 1;
        const inPanel = k.scaled(from, unit);
        const column = k.add(of.columnOf(panel), inPanel);
        const packedColumn = k.add(k.scaled(panel, width), inPanel);
        tile.forEach((row, r) => {
          const ended = end(row);
          const values = Array.from({ length: count }, (_, u) => {
            const by = k.index(u * unit);
            const factors = of.units && k.load(of.units, k.add(packedColumn, by), unit);
            return ended(totals[r * count + u] as Value, { column: k.add(column, by), lanes: unit, factors });
          });
          const place = { element: k.add(k.scaled(row, columns), column), channel: column };
          k.store(after(k, clamped(k, k.concat(values), root), place, count * unit), y, place.element, live);
        });
      };
      const unpackedIn = (tile: Omit<GroupTile, 'units'> & { live: number }): void => {
        const { panel, live } = tile;
        // vectors behind the last output are not even read
        const place = { ...tile, units: Math.ceil(live / product.columns) };
        finish(
          groupTotals(k, product, common, buffers, place, (g) => packedSteps(panel, g, product)),
          place,
          live,
        );
      };
      const first = k.index(0);
      const sizes = { columns: outputs.length, width, rows, height: areFew(rows) ? 1 : 3 };
      if (!ofMany || !bytes) {
        forEachPanelTile(k, context.target, sizes, (tile) => unpackedIn({ ...tile, unit: first }));
        return;
      }
      const tile = unpackedTile(ofMany, unpacked);
      const byMemory = (slot: Value, panel: Value): void => {
        unpackPanel(k, unpacked, bytes, slot, width / unit, (g) => packedSteps(panel, g, { columns: unit }));
        forEachUnpackedTile(k, tile, { rows, units: width / ofMany.columns }, (rows, unit) => {
          const place = { panel, rows, unit, units: tile[1] };
          const totals = groupTotals(k, ofMany, common, buffers, place, (group) =>
            unpackedSteps(k, ofMany, unpacked, bytes, { slot, group, unit }),
          );
          finish(totals, place, place.units * ofMany.columns);
        });
      };
      const wholePanels = Math.floor(outputs.length / width);
      forEachSlotPanel(k, wholePanels, (slot, panel) => {
        if (typeof rows === 'number') {
          byMemory(slot, panel);
          return;
        }
        const many = k.cmp('ge', k.index(rows), k.index(manyRows));
        k.if(many, () => byMemory(slot, panel));
        k.if(k.cmp('lt', k.index(rows), k.index(manyRows)), () =>
          forEachRowTile(k, rows, sizes.height, (rows) => unpackedIn({ panel, rows, unit: first, live: width })),
        );
      });
      // outputs that fill no panel
      forEachPanelTile(k, context.target, { ...sizes, first: wholePanels }, (tile) =>
        unpackedIn({ ...tile, unit: first }),
      );
    };
    spans.forEach((span, i) => {
      multiplySpan(span, read[i] as SpanBuffers, memory[i]);
    });
  };
  const scratch = spans.flatMap(({ scratch }) => (scratch > 0 ? [tensor([scratch], 'u8')] : []));
  return {
    operands: [factors, sums, ...problem.beside, ...spans.flatMap(constantsOf), ...others],
    multiplyAdds: productOf([rows, inputs, columns]),
    ...(scratch.length > 0 ? { scratch } : {}),
    variants: featuresOf(spans, context).map((feature) => {
      const [{ unpacked }] = spans as [GroupSpan];
      const { ofMany } = productFor(spans[0] as GroupSpan, feature);
      return { feature, ...(ofMany ? { tile: unpackedTile(ofMany, unpacked) } : {}), build: (k) => build(k, feature) };
    }),
  };
}

/** Features of which any span has products, in the order of the target's instructions. */
function featuresOf(spans: readonly GroupSpan[], { target }: KernelContext): (string | undefined)[] {
  const used = new Set(spans.flatMap(({ products }) => products.map(featureOf)));
  const order = [...new Set([undefined, ...target.contractions.map((name) => intrinsics[name].feature)])];
  return order.filter((feature) => used.has(feature));
}

/** The products of a span on machines with a feature: the baseline's where it has none of its own. */
function productFor({ products }: GroupSpan, feature: string | undefined): SpanProduct {
  return products.find((one) => featureOf(one) === feature) ?? (products[0] as SpanProduct);
}
