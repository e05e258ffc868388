import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Dim, StoredSpan, StoredWeights, Value } from '../../src/ir/index.ts';
import { planeWidths } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import type { KernelContext } from '../plan.ts';
import { besideWeights, digitsOf, fitsSums, swizzles, type WholeLevels, wholeLevels } from './codeLevels.ts';
import { type GroupProduct, groupProducts, type UnpackedProduct, unpackedProducts } from './groupProduct.ts';
import { stepsOf, unitsOf } from './groupSteps.ts';
import { lookUpProducts } from './lookUpProduct.ts';
import { type PanelBuffers, packPanels, readPanels, readsOf, type StoredPanels } from './storedPanels.ts';
import { slotsFor, type UnpackedPanel, unpackedBytes } from './unpackedPanels.ts';

/** Parts of a code or its level, of at most 7 bits each: planes, levels, and the weight of their sum, as a power of two. */
interface CodePart {
  readonly planes: readonly number[];
  readonly levels?: Value;
  readonly shift: number;
}

/** How a span's codes are multiplied on machines with a feature: in registers, and behind memory where rows share panels. */
export interface SpanProduct {
  readonly product: GroupProduct;
  readonly ofMany: UnpackedProduct | undefined;
}

/** Outputs of one width as int.group_matmul reads them. */
export interface GroupSpan {
  readonly outputs: readonly number[];
  readonly panels: StoredPanels;
  readonly parts: readonly CodePart[];
  /** What the sums of outputs are multiplied by, where scales of groups are whole multiples of it. */
  readonly units: Value | undefined;
  /** Outputs of a vector as it is packed, and of a panel. */
  readonly unit: number;
  readonly width: number;
  /** The zero point of all codes, in steps of whole levels. */
  readonly commonZero: number;
  /** Whether levels are looked up in a register. */
  readonly inRegister: boolean;
  readonly unpacked: UnpackedPanel;
  /** Bytes of unpacked panels; 0: none are. */
  readonly scratch: number;
  /** The baseline first. */
  readonly products: readonly SpanProduct[];
}

/** What multiplies a span of weights. */
interface SpanShape {
  readonly rows: Dim;
  /** Whether products are looked up. */
  readonly tables: boolean;
  /** Whether scales are whole numbers as they are, and sums stay integers. */
  readonly whole: boolean;
  readonly where: string;
}

/** Rows from which on the codes of a panel are unpacked once for all of them. */
export const manyRows = 8;

/** Codes of 8 bits are two parts of 4, since products are exact everywhere for 7 bits only. */
const wideParts: readonly CodePart[] = [
  { planes: [0], shift: 0 },
  { planes: [1], shift: 4 },
];

/** Rows so few that outputs fill registers. */
export function areFew(rows: Dim): boolean {
  return typeof rows === 'number' && rows <= 2;
}

/** Packs the outputs of one width. @throws QcError where their levels have no integer products */
export function packSpan(
  context: KernelContext,
  weights: Value,
  span: StoredSpan,
  { rows, tables, whole: isWhole, where }: SpanShape,
): GroupSpan {
  const { target } = context;
  const { stored, outputs } = span;
  const { bits, groups } = stored;
  const whole = integerLevels(stored, where);
  // a unit of codes of one plane is one vector, and its neighbours follow it
  const isWide = !stored.levels && planeWidths(bits).length === 1 && bits < 8;
  const products = tables ? lookUpProducts(target, bits) : groupProducts(target, isWide);
  const { columns: unit, depth } = products[0] as GroupProduct;
  const shared = productsOfMany(rows, outputs.length, target);
  const width = tables
    ? unit
    : areFew(rows)
      ? 4 * unit
      : Math.max(2 * unit, ...shared.map((product) => product.columns));
  const found = isWhole ? undefined : stepsOf(stored, whole, outputs.length);
  const steps = isWhole ? stored.scale : found && ((g: number, n: number) => found[n]?.steps[g] as number);
  const ofBits = !stored.levels && bits === 8 ? [4, 4] : planeWidths(bits);
  const panels = packPanels(context, weights, span, {
    planes: tables ? new Array<number>(bits).fill(1) : ofBits,
    width,
    vectorColumns: unit,
    vectorDepth: depth,
    zeros: 'i32',
    divisor: whole.factor,
    steps,
  });
  const planes = panels.layout.planes.map((_, i) => i);
  const byLevels = (): CodePart[] =>
    digitsOf(whole).map((digits, i) => {
      const entries = Uint8Array.from({ length: 256 }, (_, code) => digits[code] ?? 0);
      return { planes, levels: besideWeights(context, weights, `levels${i}`, entries), shift: 7 * i };
    });
  const parts = stored.levels ? byLevels() : bits === 8 ? wideParts : [{ planes, shift: 0 }];
  const { step: inputsOfTile = 1, size: tiles = 1 } = panels.layout.tiles[2] ?? {};
  const unpacked: UnpackedPanel = { parts: parts.length, groups, quads: (tiles * inputsOfTile) / 4, width };
  const inRegisters = (feature: string | undefined) => products.find((product) => product.feature === feature);
  return {
    outputs,
    panels,
    parts,
    units: found && besideWeights(context, weights, 'units', unitsOf(found, whole.factor, panels.panels * width)),
    unit,
    width,
    commonZero: (stored.commonZero ?? 0) * whole.factor + whole.offset,
    inRegister: swizzles(target, whole),
    unpacked,
    scratch: shared.length > 0 ? slotsFor(Math.floor(outputs.length / width)) * unpackedBytes(unpacked) : 0,
    products:
      shared.length === 0
        ? products.map((product) => ({ product, ofMany: undefined }))
        : shared.map((ofMany) => ({
            product: inRegisters(ofMany.feature) ?? (products[0] as GroupProduct),
            ofMany,
          })),
  };
}

/** The feature that a product needs. */
export const featureOf = ({ product, ofMany }: SpanProduct): string | undefined => (ofMany ?? product).feature;

/** The constants of a span, in the order in which `readSpan` declares them. */
export function constantsOf({ panels, units, parts }: GroupSpan): Value[] {
  return [...readsOf(panels), units, ...parts.map(({ levels }) => levels)].filter((v) => v !== undefined);
}

/** Buffers of a span in a kernel. */
export interface SpanBuffers extends PanelBuffers {
  readonly units: Value | undefined;
  /** Of each part. */
  readonly levels: readonly (Value | undefined)[];
}

/** Declares the buffers of the `i`th of `count` spans. */
export function readSpan(
  k: KernelBuilder,
  context: KernelContext,
  { panels, units, parts }: GroupSpan,
  [i, count]: readonly [number, number],
): SpanBuffers {
  const ofPanels = readPanels(k, context, panels, [i, count]);
  return {
    ...ofPanels,
    units: units && context.input(k, count === 1 ? 'units' : `units${i}`, units),
    levels: parts.map(({ levels }, p) => levels && context.input(k, `levels${p}`, levels)),
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
