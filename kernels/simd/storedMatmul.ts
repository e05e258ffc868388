import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { productOf, staticShape, storedSpans, type Value } from '../../src/ir/index.ts';
import { planeWidths, tileSteps } from '../../src/numerics/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import { type KernelContext, type KernelPlan, withRelaxed } from '../plan.ts';
import { besideWeights, lookUp, swizzles, wholeLevels } from './codeLevels.ts';
import { unpackUnit } from './panelCodes.ts';
import { forEachPanelTile, type PanelTile } from './panelLoops.ts';
import { packPanels, readPanels, readsOf } from './storedPanels.ts';

/**
 * nn.matmul of floats with stored weights: codes are turned into floats in registers, products are summed within a
 * group and scaled once. Weights are read as they are stored: a matrix–vector product needs their bytes alone.
 */
export function storedMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [x, weights, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [inputs, columns] = staticShape(tensorType(weights)) as [number, number];
  const stored = weightsOf(tensorType(weights), root.source);
  const { group, groups } = stored;
  const rows = productOf(tensorType(x).shape.slice(0, -1));
  const unit = context.target.family === 'simt' ? 1 : lanesFor(context.target, 1);
  // one row leaves registers for two units, so that one product need not wait for the one before
  const width = unit === 1 ? 4 : rows === 1 && columns > unit && !stored.widths ? 2 * unit : unit;
  const whole = stored.levels && wholeLevels(stored);
  const inRegister = whole !== undefined && Math.max(...whole.numbers) < 256 && swizzles(context.target, whole);
  const entries = inRegister
    ? Uint8Array.from({ length: 16 }, (_, i) => whole.numbers[i] ?? 0)
    : Float32Array.from({ length: 256 }, (_, i) => stored.levels?.[i] ?? 0);
  const packed = storedSpans(stored, columns).map((span) => ({
    ...span,
    panels: packPanels(context, weights, span, {
      planes: planeWidths(span.stored.bits),
      width,
      vectorColumns: unit,
      vectorDepth: 1,
      zeros: 'i16',
      divisor: inRegister ? whole.factor : 1,
    }),
  }));
  const levels = stored.levels && besideWeights(context, weights, 'levels', entries);
  const others = epilogueOperands(cluster);
  const beside = [levels, bias].filter((v) => v !== undefined);
  const build = (k: KernelBuilder): void => {
    const xs = context.input(k, 'x', x);
    const spans = packed.map(({ panels, ...span }, i) => ({
      ...span,
      ...readPanels(k, context, panels, [i, packed.length]),
    }));
    const table = levels && context.input(k, 'levels', levels);
    const start = bias && context.input(k, 'bias', bias);
    const loaded = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, loaded);

    for (const { outputs, stored: ofSpan, layout, packed, scales, zeros, columnOf } of spans) {
      const [panelStep = 0, groupStep = 0, tileStep = 0, unitStep = 0] = tileSteps(layout);
      const tileInputs = layout.tiles[2]?.step ?? 1;
      const allPlanes = layout.planes.map((_, i) => i);
      const visit = ({ panel, rows: tile, live }: PanelTile): void => {
        // vectors behind the last output are not even read
        const units = Math.ceil(live / unit);
        const perUnit = <T>(of: (u: number) => T): T[] => Array.from({ length: units }, (_, u) => of(u));
        const column = columnOf(panel);
        const besideAt = (g: Value) => k.scaled(k.add(k.scaled(panel, groups), g), width);
        const toReal = (codes: Value, zero: Value): Value => {
          if (table && !inRegister) return k.table(table, codes);
          const steps = table ? lookUp(k, table, codes, true) : codes;
          return k.convert(k.sub(k.convert(steps, 'i16'), zero), 'f32');
        };
        /** The sums of one group, whose first `count` inputs there are: [row][unit]. */
        const groupSums = (g: Value, count: number): readonly Value[] => {
          const zeroOf = perUnit((u) =>
            zeros
              ? k.load(zeros, k.add(besideAt(g), k.index(u * unit)), unit)
              : k.repeated(inRegister ? whole.offset : (ofSpan.commonZero ?? 0), 'i16', unit),
          );
          const from = k.add(k.scaled(panel, panelStep), k.scaled(g, groupStep));
          const step = (sums: readonly Value[], t: Value, present: number): readonly Value[] => {
            const next = [...sums];
            const codesOf = perUnit((u) =>
              unpackUnit(
                k,
                layout,
                allPlanes,
                packed,
                k.add(k.add(from, k.scaled(t, tileStep)), k.index(u * unitStep)),
              ),
            );
            (codesOf[0] ?? []).forEach(({ k: i }, v) => {
              if (i >= present) return;
              const weightsOf = codesOf.map((vectors, u) => toReal(vectors[v]?.codes as Value, zeroOf[u] as Value));
              tile.forEach((row, r) => {
                const place = k.add(k.scaled(row, inputs), k.add(k.scaled(g, group), k.scaled(t, tileInputs)));
                const value = k.loadSplat(xs, k.add(place, k.index(i)), unit);
                weightsOf.forEach((w, u) => {
                  next[r * units + u] = k.mulAdd(value, w, next[r * units + u] as Value);
                });
              });
            });
            return next;
          };
          const complete = Math.floor(count / tileInputs);
          const nothing = tile.flatMap(() => perUnit(() => k.repeated(0, 'f32', unit)));
          const unroll = [4, 2, 1].find((n) => complete % n === 0) ?? 1;
          const sums = k.for(0, complete, unroll, nothing, (t, carried) => {
            let next = carried;
            for (let s = 0; s < unroll; s++) next = step(next, k.add(t, k.index(s)), tileInputs);
            return next;
          });
          return count % tileInputs === 0 ? sums : step(sums, k.index(complete), count % tileInputs);
        };
        const addGroup = (totals: readonly Value[], g: Value, count: number): readonly Value[] => {
          const scaleOf = perUnit((u) => k.load(scales, k.add(besideAt(g), k.index(u * unit)), unit));
          return groupSums(g, count).map((sum, cell) =>
            k.mulAdd(sum, scaleOf[cell % units] as Value, totals[cell] as Value),
          );
        };
        const first = tile.flatMap(() =>
          perUnit((u) => (start ? k.load(start, k.add(column, k.index(u * unit)), unit) : k.repeated(0, 'f32', unit))),
        );
        const last = inputs % group;
        const full = last === 0 ? groups : groups - 1;
        let totals = k.for(0, full, 1, first, (g, carried) => addGroup(carried, g, group));
        if (last !== 0) totals = addGroup(totals, k.index(full), last);
        tile.forEach((row, r) => {
          const place = { element: k.add(k.scaled(row, columns), column), channel: column };
          const value = clamped(k, k.concat(totals.slice(r * units, (r + 1) * units)), root);
          k.store(after(k, value, place, units * unit), y, place.element, live);
        });
      };
      forEachPanelTile(k, context.target, { columns: outputs.length, width, rows, height: 2 }, visit);
    }
  };
  return {
    operands: [x, ...packed.flatMap(({ panels }) => readsOf(panels)), ...beside, ...others],
    multiplyAdds: productOf([rows, inputs, columns]),
    variants: withRelaxed(context.target, build),
  };
}
