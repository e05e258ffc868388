import { weightsOf } from '../../dialects/int/groupMatmul.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredWeights, staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { planeWidths, tileSteps } from '../../src/numerics/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { unpackUnit } from './panelCodes.ts';
import { forEachPanelTile, type PanelTile } from './panelLoops.ts';
import { packPanels } from './storedPanels.ts';

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
  const lanes = lanesFor(context.target, 1);
  const panels = packPanels(context, weights, stored, {
    planes: planeWidths(stored.bits),
    width: lanes,
    vectorColumns: lanes,
    vectorDepth: 1,
    zeros: 'i16',
    divisor: 1,
  });
  const levels = stored.levels && levelsConstant(context, weights, stored);
  const rows = staticShape(tensorType(x))
    .slice(0, -1)
    .reduce((n, d) => n * d, 1);
  const others = epilogueOperands(cluster);
  const beside = [panels.zeros, levels, bias].filter((v) => v !== undefined);
  const allPlanes = panels.layout.planes.map((_, i) => i);
  const build = (k: KernelBuilder): void => {
    const [xs, packed] = [context.input(k, 'x', x), context.input(k, 'w', panels.codes)];
    const scales = context.input(k, 'scales', panels.scales);
    const zeros = panels.zeros && context.input(k, 'zeros', panels.zeros);
    const table = levels && context.input(k, 'levels', levels);
    const start = bias && context.input(k, 'bias', bias);
    const loaded = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, loaded);
    const [panelStep = 0, groupStep = 0, tileStep = 0] = tileSteps(panels.layout);
    const tileInputs = panels.layout.tiles[2]?.step ?? 1;

    const visit = ({ panel, rows: tile, live }: PanelTile): void => {
      const column = k.scaled(panel, lanes);
      const channel = column;
      const besideAt = (g: Value) => k.scaled(k.add(k.scaled(panel, groups), g), lanes);
      const toReal = (codes: Value, zero: Value): Value => {
        if (table) return k.table(table, codes);
        return k.convert(k.sub(k.convert(codes, 'i16'), zero), 'f32');
      };
      /** The sums of one group, whose first `count` inputs there are. */
      const groupSums = (g: Value, count: number): readonly Value[] => {
        const zero = zeros ? k.load(zeros, besideAt(g), lanes) : k.repeated(stored.commonZero ?? 0, 'i16', lanes);
        const from = k.add(k.scaled(panel, panelStep), k.scaled(g, groupStep));
        const step = (sums: readonly Value[], t: Value, present: number): readonly Value[] => {
          const at = k.add(from, k.scaled(t, tileStep));
          let next = sums;
          for (const { k: i, codes } of unpackUnit(k, panels.layout, allPlanes, packed, at)) {
            if (i >= present) continue;
            const w = toReal(codes, zero);
            next = next.map((sum, r) => {
              const place = k.add(
                k.scaled(tile[r] as Value, inputs),
                k.add(k.scaled(g, group), k.scaled(t, tileInputs)),
              );
              return k.mulAdd(k.loadSplat(xs, k.add(place, k.index(i)), lanes), w, sum);
            });
          }
          return next;
        };
        const whole = Math.floor(count / tileInputs);
        const zeroSums = tile.map(() => k.repeated(0, 'f32', lanes));
        const sums = k.for(0, whole, 1, zeroSums, (t, carried) => step(carried, t, tileInputs));
        return count % tileInputs === 0 ? sums : step(sums, k.index(whole), count % tileInputs);
      };
      const addGroup = (totals: readonly Value[], g: Value, count: number): readonly Value[] => {
        const scale = k.load(scales, besideAt(g), lanes);
        return groupSums(g, count).map((sum, r) => k.mulAdd(sum, scale, totals[r] as Value));
      };
      const first = tile.map(() => (start ? k.load(start, column, lanes) : k.repeated(0, 'f32', lanes)));
      const last = inputs % group;
      const full = last === 0 ? groups : groups - 1;
      let totals = k.for(0, full, 1, first, (g, carried) => addGroup(carried, g, group));
      if (last !== 0) totals = addGroup(totals, k.index(full), last);
      tile.forEach((row, r) => {
        const place = { element: k.add(k.scaled(row, columns), column), channel };
        const value = clamped(k, totals[r] as Value, root);
        k.store(after(k, value, place, lanes), y, place.element, live);
      });
    };
    forEachPanelTile(k, { columns, width: lanes, rows, height: lanes === 1 ? 4 : 2 }, visit);
  };
  const { contractions } = context.target;
  return {
    operands: [x, panels.codes, panels.scales, ...beside, ...others],
    multiplyAdds: rows * inputs * columns,
    variants: contractions.length > 1 ? variants(build) : [{ feature: undefined, build }],
  };
}

/** Relaxed machines join multiplication and addition. */
const variants = (build: (k: KernelBuilder) => void) => [
  { feature: undefined, build },
  { feature: 'relaxed-simd', build },
];

/** The numbers of all 256 codes: a table is indexed by a byte. */
function levelsConstant({ rewriter }: KernelContext, weights: Value, { levels = [] }: StoredWeights): Value {
  const { name } = constant.attributesOf(weights.op as NonNullable<Value['op']>).value;
  const data = Float32Array.from({ length: 256 }, (_, i) => levels[i] ?? 0);
  return rewriter.create(
    constant,
    {},
    { value: Resource.of(`${name}.levels`, 'f32', data) },
    { types: [tensor([256], 'f32')] },
  ).result;
}
