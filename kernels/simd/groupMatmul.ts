import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { type Dim, productOf, type StoredWeights, staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { planeWidths, tileSteps } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { besideWeights, digitsOf, fitsSums, lookUp, swizzles, type WholeLevels, wholeLevels } from './codeLevels.ts';
import { type GroupProduct, groupProducts, type UnpackedProduct, unpackedProducts } from './groupProduct.ts';
import { stepsOf, unitsOf } from './groupSteps.ts';
import { type GroupBuffers, type GroupShape, type GroupSteps, type GroupTile, groupTotals } from './groupTile.ts';
import { lookUpProducts } from './lookUpProduct.ts';
import { unpackUnit } from './panelCodes.ts';
import { forEachPanelTile, forEachRowTile } from './panelLoops.ts';
import { packPanels } from './storedPanels.ts';
import {
  forEachSlotPanel,
  forEachUnpackedTile,
  slotsFor,
  type UnpackedPanel,
  unpackedBytes,
  unpackedSteps,
  unpackedTile,
  unpackPanel,
} from './unpackedPanels.ts';

/** Parts of a code or its level, of at most 7 bits each: planes, levels, and the weight of their sum, as a power of two. */
interface CodePart {
  readonly planes: readonly number[];
  readonly levels?: Value;
  readonly shift: number;
}

/** Tiles of a group up to which they are all written out. */
const unrolledTiles = 4;

/** Rows from which on the codes of a panel are unpacked once for all of them. */
const manyRows = 8;

/** Codes of 8 bits are two parts of 4, since products are exact everywhere for 7 bits only. */
const wideParts: readonly CodePart[] = [
  { planes: [0], shift: 0 },
  { planes: [1], shift: 4 },
];

/**
 * int.group_matmul: exact sums of a group in 32 bits, then one multiplication by the group's scale. Few rows unpack codes
 * in registers; many share panels that are unpacked to memory.
 */
export function groupMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [a, scale, zeroPoint, sums, weights, bias, tables] = root.operands.map((v) => v && cluster.outside(v)) as [
    ...[Value, Value, Value, Value, Value],
    ...(Value | undefined)[],
  ];
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const stored = weightsOf(tensorType(weights), root.source);
  const { groups } = stored;
  const whole = integerLevels(stored, root.source);
  // a unit of codes of one plane is one vector, and its neighbours follow it
  const isWide = !stored.levels && planeWidths(stored.bits).length === 1 && stored.bits < 8;
  const products = tables ? lookUpProducts(context.target, stored.bits) : groupProducts(context.target, isWide);
  const { columns: unit, depth } = products[0] as GroupProduct;
  const { shape } = tensorType(a);
  const rows = productOf(shape.slice(0, -1));
  const shared = productsOfMany(rows, columns, context.target);
  const fewRows = typeof rows === 'number' && rows <= 2;
  const width = tables ? unit : fewRows ? 4 * unit : Math.max(2 * unit, ...shared.map((product) => product.columns));
  const steps = stepsOf(stored, whole, columns);
  const panels = packPanels(context, weights, stored, {
    planes: tables
      ? new Array<number>(stored.bits).fill(1)
      : !stored.levels && stored.bits === 8
        ? [4, 4]
        : planeWidths(stored.bits),
    width,
    vectorColumns: unit,
    vectorDepth: depth,
    zeros: 'i32',
    divisor: whole.factor,
    steps: steps && ((g, n) => steps[n]?.steps[g] as number),
  });
  const ofOutputs =
    steps && besideWeights(context, weights, 'units', unitsOf(steps, whole.factor, panels.panels * width));
  const factors = tables ?? a;
  const planes = panels.layout.planes.map((_, i) => i);
  const inRegister = swizzles(context.target, whole);
  const byLevels = (): CodePart[] =>
    digitsOf(whole).map((digits, i) => {
      const entries = Uint8Array.from({ length: 256 }, (_, code) => digits[code] ?? 0);
      return { planes, levels: besideWeights(context, weights, `levels${i}`, entries), shift: 7 * i };
    });
  const parts = stored.levels ? byLevels() : stored.bits === 8 ? wideParts : [{ planes, shift: 0 }];
  const drift = besideWeights(context, weights, 'drift', driftOf(weights, stored, panels.panels * width));
  const others = epilogueOperands(cluster);
  const beside = [panels.zeros, ofOutputs, ...parts.map(({ levels }) => levels), bias].filter((v) => v !== undefined);
  const { step: inputsOfTile = 1, size: tiles = 1 } = panels.layout.tiles[2] ?? {};
  const common: GroupShape = {
    groups,
    rowStep: shape.at(-1) as number,
    width,
    commonZero: (stored.commonZero ?? 0) * whole.factor + whole.offset,
    shifts: parts.map(({ shift }) => shift),
  };
  const unpacked: UnpackedPanel = { parts: parts.length, groups, quads: (tiles * inputsOfTile) / 4, width };
  const wholePanels = Math.floor(columns / width);

  const build = (k: KernelBuilder, product: GroupProduct, ofMany: UnpackedProduct | undefined): void => {
    const activations = context.input(k, 'a', factors);
    const [rowScales, rowZeros] = [context.input(k, 'scale', scale), context.input(k, 'zero_point', zeroPoint)];
    const groupSums = context.input(k, 'sums', sums);
    const [packed, scales] = [context.input(k, 'w', panels.codes), context.input(k, 'scales', panels.scales)];
    const drifts = context.input(k, 'drift', drift);
    const zeros = panels.zeros && context.input(k, 'zeros', panels.zeros);
    const units = ofOutputs && context.input(k, 'units', ofOutputs);
    const levels = parts.map(({ levels }, p) => levels && context.input(k, `levels${p}`, levels));
    const start = bias && context.input(k, 'bias', bias);
    const loaded = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const bytes = ofMany && k.buffer('unpacked', 'u8', 'output');
    const after = epilogue(cluster, loaded);
    const buffers: GroupBuffers = { activations, sums: groupSums, scales, zeros };
    const [panelStep = 0, groupStep = 0, tileStep = 0, unitStep = 0] = tileSteps(panels.layout);

    const packedSteps = (panel: Value, g: Value, { columns }: Pick<GroupProduct, 'columns'>): GroupSteps => ({
      count: tiles,
      inputs: inputsOfTile,
      unroll: tiles <= unrolledTiles ? tiles : 1,
      vectors(t, u, p) {
        const from = k.add(k.scaled(panel, panelStep), k.scaled(g, groupStep));
        const at = k.add(from, k.add(k.scaled(t, tileStep), k.index(u * unitStep * (columns / unit))));
        const { planes } = parts[p] as CodePart;
        if (tables) return [{ k: 0, codes: k.load(packed, at, columns * stored.bits) }];
        const table = levels[p];
        return unpackUnit(k, panels.layout, planes, packed, at, columns / unit).map(({ k: i, codes }) => ({
          k: i,
          codes: table ? lookUp(k, table, codes, inRegister) : codes,
        }));
      },
    });
    /** Writes the first `live` outputs of a tile, whose vectors have `unit` outputs. */
    const finish = (
      totals: readonly Value[],
      { panel, rows: tile, unit: from, units: count }: GroupTile,
      live: number,
    ) => {
      const unit = totals[0]?.type.kind === 'vec' ? totals[0].type.lanes : 1;
      const column = k.add(k.scaled(panel, width), k.scaled(from, unit));
      tile.forEach((row, r) => {
        const [rowScale, rowZero] = [k.load(rowScales, row), k.convert(k.load(rowZeros, row), 'f32')];
        const values = Array.from({ length: count }, (_, u) => {
          const at = k.add(column, k.index(u * unit));
          const sum = totals[r * count + u] as Value;
          const total = units ? k.mul(k.convert(sum, 'f32'), k.load(units, at, unit)) : sum;
          const shifted = k.sub(total, k.mul(k.splat(rowZero, unit), k.load(drifts, at, unit)));
          const real = k.mul(shifted, k.splat(rowScale, unit));
          return start ? k.add(real, k.load(start, at, unit)) : real;
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
    const sizes = { columns, width, rows, height: fewRows ? 1 : 3 };
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
  const bytes = slotsFor(wholePanels) * unpackedBytes(unpacked);
  return {
    operands: [factors, scale, zeroPoint, sums, panels.codes, panels.scales, drift, ...beside, ...others],
    multiplyAdds: productOf([rows, inputs, columns]),
    ...(shared.length > 0 ? { scratch: [tensor([bytes], 'u8')] } : {}),
    variants:
      shared.length === 0
        ? products.map((product) => ({ feature: product.feature, build: (k) => build(k, product, undefined) }))
        : shared.map((product) => ({
            feature: product.feature,
            tile: unpackedTile(product, unpacked),
            build: (k) =>
              build(
                k,
                products.find(({ feature }) => feature === product.feature) ?? (products[0] as GroupProduct),
                product,
              ),
          })),
  };
}

/** How rows that share unpacked panels are multiplied, the baseline first; none: they do not. */
function productsOfMany(rows: Dim, columns: number, target: Target): UnpackedProduct[] {
  if (typeof rows === 'number' && rows < manyRows) return [];
  const products = unpackedProducts(target);
  return products.every((product) => product.columns <= columns) && columns >= 8 ? products : [];
}

/** Levels as whole numbers; codes without levels are their own. @throws QcError where they, or their sums, are too large */
function integerLevels(stored: StoredWeights, where: string): WholeLevels {
  if (!stored.levels) return { factor: 1, offset: 0, numbers: [] };
  const whole = fitsSums(stored) ? wholeLevels(stored) : undefined;
  if (whole) return whole;
  throw new QcError({
    what: 'the levels of these weights have no integer products',
    where,
    why: 'they are no whole numbers, or the sums of a group need more than 32 bits',
    help: 'use float activations for this format, or smaller groups',
  });
}

/** Σ_g s·Σ_k level of each output: what a zero point of the activations adds. */
function driftOf(weights: Value, stored: StoredWeights, count: number): Float32Array {
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const codes = constant.attributesOf(weights.op as NonNullable<Value['op']>).value.data() as Int8Array;
  const sums = new Float64Array(count);
  for (let i = 0; i < inputs; i++) {
    const g = Math.floor(i / stored.group);
    for (let n = 0; n < columns; n++) {
      const code = codes[i * columns + n] as number;
      const level = (stored.levels ? (stored.levels[code] as number) : code + stored.offset) - stored.zero(g, n);
      sums[n] = (sums[n] as number) + level * stored.scale(g, n);
    }
  }
  return Float32Array.from(sums);
}
