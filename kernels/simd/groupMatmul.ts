import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { productOf, type StoredWeights, staticShape, type Value } from '../../src/ir/index.ts';
import { planeWidths, tileSteps } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { besideWeights, digitsOf, fitsSums, lookUp, swizzles, type WholeLevels, wholeLevels } from './codeLevels.ts';
import { type GroupProduct, groupProducts } from './groupProduct.ts';
import { unpackUnit } from './panelCodes.ts';
import { forEachPanelTile, type PanelTile } from './panelLoops.ts';
import { packPanels } from './storedPanels.ts';

/** Parts of a code or its level, of at most 7 bits each: planes, levels, and the weight of their sum, as a power of two. */
interface CodePart {
  readonly planes: readonly number[];
  readonly levels?: Value;
  readonly shift: number;
}

/** Tiles of a group up to which they are all written out. */
const unrolledTiles = 4;

/** Codes of 8 bits are two parts of 4, since products are exact everywhere for 7 bits only. */
const wideParts: readonly CodePart[] = [
  { planes: [0], shift: 0 },
  { planes: [1], shift: 4 },
];

/**
 * int.group_matmul: exact sums of a group in 32 bits, begun at −z·Σa, which all outputs of a panel share where they
 * have one zero point; then one multiplication by the group's scale.
 */
export function groupMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [a, scale, zeroPoint, sums, weights, bias] = root.operands.map((v) => v && cluster.outside(v)) as [
    ...[Value, Value, Value, Value, Value],
    Value | undefined,
  ];
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const stored = weightsOf(tensorType(weights), root.source);
  const { groups } = stored;
  const whole = integerLevels(stored, root.source);
  const products = groupProducts(context.target);
  const { columns: unit, depth } = products[0] as GroupProduct;
  const { shape } = tensorType(a);
  const rows = productOf(shape.slice(0, -1));
  const rowStep = shape.at(-1) as number;
  const fewRows = typeof rows === 'number' && rows <= 2;
  const width = fewRows ? 4 * unit : 2 * unit;
  const panels = packPanels(context, weights, stored, {
    planes: !stored.levels && stored.bits === 8 ? [4, 4] : planeWidths(stored.bits),
    width,
    vectorColumns: unit,
    vectorDepth: depth,
    zeros: 'i32',
    divisor: whole.factor,
  });
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
  const beside = [panels.zeros, ...parts.map(({ levels }) => levels), bias].filter((v) => v !== undefined);
  const tileInputs = panels.layout.tiles[2]?.step ?? 1;
  const tilesOfGroup = panels.layout.tiles[2]?.size ?? 1;

  const build = (k: KernelBuilder, product: GroupProduct): void => {
    const xs = context.input(k, 'a', a);
    const [rowScales, rowZeros] = [context.input(k, 'scale', scale), context.input(k, 'zero_point', zeroPoint)];
    const groupSums = context.input(k, 'sums', sums);
    const [packed, scales] = [context.input(k, 'w', panels.codes), context.input(k, 'scales', panels.scales)];
    const drifts = context.input(k, 'drift', drift);
    const zeros = panels.zeros && context.input(k, 'zeros', panels.zeros);
    const tables = parts.map(({ levels }, p) => levels && context.input(k, `levels${p}`, levels));
    const start = bias && context.input(k, 'bias', bias);
    const loaded = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, loaded);
    const [panelStep = 0, groupStep = 0, tileStep = 0, unitStep = 0] = tileSteps(panels.layout);
    const each = product.registers;

    const visit = ({ panel, rows: tile, live }: PanelTile): void => {
      // vectors behind the last output are not even read
      const units = Math.ceil(live / unit);
      const cells = tile.length * units;
      // few sums leave registers for two of each, so that one product need not wait for the one before
      const chains = unit > 1 && cells * parts.length * product.registers <= 4 ? 2 : 1;
      const addGroup = (totals: readonly Value[], g: Value): Value[] => {
        const sumOf = tile.map((row) => k.load(groupSums, k.add(k.scaled(row, groups), g)));
        const common = panels.zeros ? 0 : (stored.commonZero ?? 0) * whole.factor + whole.offset;
        const begin = sumOf.map((sum) => k.mul(sum, k.constant(-common, 'i32')));
        const zero = k.constant(0, 'i32');
        const first = parts.flatMap(({ shift }) =>
          tile.flatMap((_, r) =>
            Array.from({ length: units * chains }, (_, i) =>
              product.start(k, shift === 0 && i % chains === 0 ? (begin[r] as Value) : zero),
            ).flat(),
          ),
        );
        const from = k.add(k.scaled(panel, panelStep), k.scaled(g, groupStep));
        const rowAt = tile.map((row) => k.add(k.scaled(row, rowStep), k.scaled(g, rowStep / groups)));
        /** The activations that vectors of a tile multiply, each read once. */
        const reader = (t: Value) => {
          const known = new Map<string, Value>();
          return (r: number, i: number): Value => {
            const key = `${r} ${i}`;
            const x =
              known.get(key) ??
              product.activations(k, xs, k.add(k.add(rowAt[r] as Value, k.scaled(t, tileInputs)), k.index(i)));
            known.set(key, x);
            return x;
          };
        };
        const step = (carried: readonly Value[], t: Value): Value[] => {
          const next = [...carried];
          const read = reader(t);
          for (let u = 0; u < units; u++) {
            const at = k.add(from, k.add(k.scaled(t, tileStep), k.index(u * unitStep)));
            parts.forEach(({ planes }, p) => {
              unpackUnit(k, panels.layout, planes, packed, at).forEach(({ k: i, codes }, v) => {
                const table = tables[p];
                const ready = product.weights(k, table ? lookUp(k, table, codes, inRegister) : codes);
                tile.forEach((_, r) => {
                  const cell = ((p * cells + r * units + u) * chains + (v % chains)) * each;
                  next.splice(cell, each, ...product.multiply(k, next.slice(cell, cell + each), ready, read(r, i)));
                });
              });
            });
          }
          return next;
        };
        const steps = tilesOfGroup <= unrolledTiles ? tilesOfGroup : 1;
        const found = k.for(0, tilesOfGroup, steps, first, (t, carried) => {
          let next = carried;
          for (let s = 0; s < steps; s++) next = step(next, k.add(t, k.index(s)));
          return next;
        });
        const sumOfPart = (p: number, cell: number): Value => {
          const links = Array.from({ length: chains }, (_, chain) => {
            const start = ((p * cells + cell) * chains + chain) * each;
            return found.slice(start, start + each);
          });
          const joined = (links[0] as Value[]).map((one, i) =>
            links.slice(1).reduce((sum, link) => k.add(sum, link[i] as Value), one),
          );
          return product.finish(k, joined);
        };
        const besideAt = k.scaled(k.add(k.scaled(panel, groups), g), width);
        return totals.map((total, cell) => {
          const u = cell % units;
          const at = k.add(besideAt, k.index(u * unit));
          const sum = parts
            .map(({ shift }, p) => k.shl(sumOfPart(p, cell), shift))
            .reduce((left, right) => k.add(left, right));
          const rowSum = sumOf[Math.floor(cell / units)] as Value;
          const exact = zeros ? k.sub(sum, k.mul(k.load(zeros, at, unit), k.splat(rowSum, unit))) : sum;
          return k.mulAdd(k.convert(exact, 'f32'), k.load(scales, at, unit), total);
        });
      };
      const nothing = Array.from({ length: cells }, () => k.repeated(0, 'f32', unit));
      const totals = k.for(0, groups, 1, nothing, (g, carried) => addGroup(carried, g));
      tile.forEach((row, r) => {
        const [rowScale, rowZero] = [k.load(rowScales, row), k.convert(k.load(rowZeros, row), 'f32')];
        const values = Array.from({ length: units }, (_, u) => {
          const at = k.add(k.scaled(panel, width), k.index(u * unit));
          const shifted = k.sub(
            totals[r * units + u] as Value,
            k.mul(k.splat(rowZero, unit), k.load(drifts, at, unit)),
          );
          const real = k.mul(shifted, k.splat(rowScale, unit));
          return start ? k.add(real, k.load(start, at, unit)) : real;
        });
        const column = k.scaled(panel, width);
        const place = { element: k.add(k.scaled(row, columns), column), channel: column };
        k.store(after(k, clamped(k, k.concat(values), root), place, units * unit), y, place.element, live);
      });
    };
    forEachPanelTile(k, context.target, { columns, width, rows, height: fewRows ? 1 : 3 }, visit);
  };
  return {
    operands: [a, scale, zeroPoint, sums, panels.codes, panels.scales, drift, ...beside, ...others],
    multiplyAdds: productOf([rows, inputs, columns]),
    variants: products.map((product) => ({ feature: product.feature, build: (k) => build(k, product) })),
  };
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
