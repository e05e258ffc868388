import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { bytesOf, floorDivDim, modDim, productOf, storageOf, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { wordOf } from '../write.ts';
import { overRow } from './row.ts';

/** nn.normalize over contiguous rows: the mean, the mean square of what differs from it, then the division. */
export function normalize(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const x = cluster.outside(root.operand(0));
  const { shape } = tensorType(x);
  const axis = (root.attributes.axis as number | undefined) ?? -1;
  const { epsilon = Math.fround(1e-5), center = true } = root.attributes as { epsilon?: number; center?: boolean };
  const first = axis < 0 ? axis + shape.length : axis;
  const length = productOf(shape.slice(first));
  const rows = productOf(shape.slice(0, first));
  const inner = shape.at(-1) ?? 1;
  const resultBytes = bytesOf(storageOf(tensorType(cluster.result).element));
  const wide = lanesFor(context.target, context.target.family === 'simt' ? resultBytes : 4);
  // lanes that cross a row of the last axis would need channels of two rows
  const lanes = modDim(inner, wide) === 0 ? wide : 1;
  const others = epilogueOperands(cluster);
  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, beside);
    const count = k.size(length, 'f32');
    // where rows end inside a word, one invocation does them all
    const apart = lanes % wordOf(context.target, y) === 0;
    const each = (body: (row: Value) => void) =>
      apart ? k.parallel([rows], ([row]) => body(row as Value)) : k.loop(0, rows, 1, body);
    each((row) => {
      const at = (i: Value) => k.add(k.scaled(row, length), i);
      const read = (i: Value, n: number) => k.load(input, at(i), n);
      const add = (a: Value, b: Value) => k.add(a, b);
      const sum = (value: (i: Value, n: number) => Value) => overRow(k, length, wide, 0, value, add);
      const mean = center ? k.div(sum(read), count) : k.constant(0, 'f32');
      const centred = (i: Value, n: number) => (center ? k.sub(read(i, n), k.splat(mean, n)) : read(i, n));
      const power = sum((i, n) => {
        const d = centred(i, n);
        return k.mul(d, d);
      });
      const variance = k.add(k.div(power, count), k.constant(Math.fround(epsilon), 'f32'));
      const factor = k.div(k.constant(1, 'f32'), k.sqrt(variance));
      k.loop(0, floorDivDim(length, inner), 1, (part) => {
        k.loop(0, inner, lanes, (channel) => {
          const i = k.add(k.scaled(part, inner), channel);
          const value = k.mul(centred(i, lanes), k.splat(factor, lanes));
          k.store(after(k, value, { element: at(i), channel }, lanes), y, at(i));
        });
      });
    });
  };
  return { operands: [x, ...others], variants: [{ feature: undefined, build }] };
}
