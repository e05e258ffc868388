import { elementOf, type KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import type { GroupProduct } from './groupProduct.ts';
import type { CodeVector } from './panelCodes.ts';

/** What the products of a matrix in groups have in common. */
export interface GroupShape {
  readonly groups: number;
  /** Codes of a row of activations, the padding of groups among them. */
  readonly rowStep: number;
  /** Outputs of a panel. */
  readonly width: number;
  /** The zero point of all weights; those of their own are in `zeros`. */
  readonly commonZero: number;
  /** Of each part of a code: the weight of its sum, as a power of two. */
  readonly shifts: readonly number[];
}

export interface GroupBuffers {
  readonly activations: Value;
  readonly sums: Value;
  /** f32; or bytes, where the sums of groups stay whole numbers until the last one has been added. */
  readonly scales: Value;
  readonly zeros: Value | undefined;
}

/** The codes of a group, as steps along its inputs. */
export interface GroupSteps {
  readonly count: number;
  /** Inputs of a step. */
  readonly inputs: number;
  /** Steps that are written out in one turn of the loop: a divisor of their number. */
  readonly unroll: number;
  /** Part `part` of the codes of one vector of outputs, as products take them. */
  readonly vectors: (step: Value, unit: number, part: number) => readonly CodeVector[];
}

/** Weights of a vector, `i` inputs behind the first of a step. */
interface Ready {
  readonly i: number;
  readonly ready: readonly Value[];
}

/** Rows of activations by neighbouring vectors of outputs of a panel, the first one being `unit`. */
export interface GroupTile {
  readonly panel: Value;
  readonly rows: readonly Value[];
  readonly unit: Value;
  readonly units: number;
}

/**
 * Σ_g s_g·(Σ_k a·w − z_g·Σ_k a) of each row and vector of outputs of a tile: exact sums of a group in 32 bits, begun at
 * −z·Σa, which all outputs of a panel share where they have one zero point. f32, or i32 where scales are bytes.
 */
export function groupTotals(
  k: KernelBuilder,
  product: GroupProduct,
  { groups, rowStep, width, commonZero, shifts }: GroupShape,
  buffers: GroupBuffers,
  { panel, rows, unit, units }: GroupTile,
  codesOf: (group: Value) => GroupSteps,
): readonly Value[] {
  const { columns, registers: each } = product;
  const cells = rows.length * units;
  // few sums leave registers for two of each, so that one product need not wait for the one before
  const chains = columns > 1 && cells * shifts.length * each <= 4 ? 2 : 1;
  const { zeros } = buffers;
  const isWhole = elementOf(buffers.scales) === 'u8';

  const addGroup = (totals: readonly Value[], g: Value): Value[] => {
    const sumAt = rows.map((row) => k.add(k.scaled(row, groups), g));
    const nothing = (lanes: number) => k.repeated(0, 'i32', lanes);
    const first = shifts.flatMap((shift) =>
      rows.flatMap((_, r) => {
        const begin = (lanes: number) => {
          const sum = k.loadSplat(buffers.sums, sumAt[r] as Value, lanes);
          return k.mul(sum, k.constant(-commonZero, 'i32', sum));
        };
        const [start, further] = [shift === 0 && !zeros ? begin : nothing, nothing].map((splat) =>
          product.start(k, splat),
        ) as [Value[], Value[]];
        return Array.from({ length: units * chains }, (_, i) => (i % chains === 0 ? start : further)).flat();
      }),
    );
    const rowAt = rows.map((row) => k.add(k.scaled(row, rowStep), k.scaled(g, rowStep / groups)));
    const { count, inputs, unroll, vectors } = codesOf(g);
    /** The activations that vectors of a step multiply, each read once. */
    const reader = (t: Value) => {
      const known = new Map<string, Value>();
      return (r: number, i: number): Value => {
        const key = `${r} ${i}`;
        const x =
          known.get(key) ??
          product.activations(k, buffers.activations, k.add(k.add(rowAt[r] as Value, k.scaled(t, inputs)), k.index(i)));
        known.set(key, x);
        return x;
      };
    };
    const step = (carried: readonly Value[], t: Value): Value[] => {
      const next = [...carried];
      const read = reader(t);
      const readyOf = (u: number, p: number) =>
        vectors(t, u, p).map(({ k: i, codes }) => ({ i, ready: product.weights(k, codes) }));
      const multiply = (p: number, r: number, u: number, v: number, { i, ready }: Ready): void => {
        const cell = ((p * cells + r * units + u) * chains + (v % chains)) * each;
        next.splice(cell, each, ...product.multiply(k, next.slice(cell, cell + each), ready, read(r, i)));
      };
      shifts.forEach((_, p) => {
        const ofUnits = Array.from({ length: units }, (_, u) => u);
        if (rows.length > units) {
          // what there is less of stays in registers
          const ready = ofUnits.map((u) => readyOf(u, p));
          rows.forEach((_, r) => {
            for (const u of ofUnits) for (const [v, one] of (ready[u] ?? []).entries()) multiply(p, r, u, v, one);
          });
        } else {
          for (const u of ofUnits)
            for (const [v, one] of readyOf(u, p).entries()) for (const r of rows.keys()) multiply(p, r, u, v, one);
        }
      });
      return next;
    };
    const found = k.for(0, count, unroll, first, (t, carried) => {
      let next = carried;
      for (let s = 0; s < unroll; s++) next = step(next, k.add(t, k.index(s)));
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
    const rowSums = (r: number) => k.splat(k.load(buffers.sums, sumAt[r] as Value), columns);
    const besideAt = k.scaled(k.add(k.scaled(panel, groups), g), width);
    return totals.map((total, cell) => {
      const at = k.add(k.add(besideAt, k.scaled(unit, columns)), k.index((cell % units) * columns));
      const sum = shifts
        .map((shift, p) => k.shl(sumOfPart(p, cell), shift))
        .reduce((left, right) => k.add(left, right));
      const exact = zeros ? k.sub(sum, k.mul(k.load(zeros, at, columns), rowSums(Math.floor(cell / units)))) : sum;
      const scale = k.load(buffers.scales, at, columns);
      return isWhole
        ? k.add(total, k.mul(exact, k.convert(scale, 'i32')))
        : k.mulAdd(k.convert(exact, 'f32'), scale, total);
    });
  };
  const none = Array.from({ length: cells }, () => k.repeated(0, isWhole ? 'i32' : 'f32', columns));
  return k.for(0, groups, 1, none, (g, carried) => addGroup(carried, g));
}
