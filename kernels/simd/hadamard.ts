import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { floorDivDim, productOf, type Value } from '../../src/ir/index.ts';
import { type HadamardFactors, hadamardFactors, hadamardMatrix } from '../../src/numerics/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/**
 * nn.hadamard, block by block: the small matrix on neighbours where the block's size has an odd part, then sums and
 * differences of what is `step` apart, for each power of two. After the first round a block lies in the result.
 */
export function hadamard(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const x = cluster.outside(root.operand(0));
  const { block, scale = 1 } = root.attributes as { block: number; scale?: number };
  const { power, order } = hadamardFactors(block) as HadamardFactors;
  const wide = lanesFor(context.target, 4);
  const blocks = floorDivDim(productOf(tensorType(x).shape), block);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const y = context.output(k, cluster.result);
    k.parallel([blocks], ([index]) => {
      const start = k.scaled(index as Value, block);
      const factor = k.constant(Math.fround(scale), 'f32');
      if (order > 1) {
        k.loop(0, power, 1, (part) => {
          small(k, input, y, k.add(start, k.scaled(part, order)), order, power === 1 ? factor : undefined);
        });
      }
      for (let step = order; step < block; step *= 2) {
        const lanes = Math.min(wide, step & -step);
        const last = 2 * step === block;
        const from = step === 1 ? input : y;
        k.loop(0, block, 2 * step, (pair) => {
          k.loop(0, step, lanes, (i) => {
            const low = k.add(k.add(start, pair), i);
            const high = k.add(low, k.index(step));
            const [a, b] = [k.load(from, low, lanes), k.load(from, high, lanes)];
            const scaled = (v: Value) => (last && scale !== 1 ? k.mul(v, k.splat(factor, lanes)) : v);
            const [sum, difference] = [scaled(k.add(a, b)), scaled(k.sub(a, b))];
            k.store(sum, y, low);
            k.store(difference, y, high);
          });
        });
      }
    });
  };
  return { operands: [x], variants: [{ feature: undefined, build }], inPlace: [0] };
}

/** `order` neighbours times the small matrix: sums of ±x, written out. */
function small(k: KernelBuilder, from: Value, to: Value, start: Value, order: number, factor: Value | undefined): void {
  const signs = hadamardMatrix(order);
  const places = Array.from({ length: order }, (_, j) => k.add(start, k.index(j)));
  const values = places.map((at) => k.load(from, at));
  const sums = places.map((_, i) =>
    values
      .slice(1)
      .reduce(
        (sum, v, j) => ((signs[i * order + j + 1] as number) > 0 ? k.add(sum, v) : k.sub(sum, v)),
        (signs[i * order] as number) > 0 ? (values[0] as Value) : k.neg(values[0] as Value),
      ),
  );
  sums.forEach((sum, i) => {
    k.store(factor ? k.mul(sum, factor) : sum, to, places[i] as Value);
  });
}
