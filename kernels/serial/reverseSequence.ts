import { bytesOf, staticShape, storageOf, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { frontAxis, rowMajor } from './places.ts';

/** The first lengths[b] elements of each sequence in reverse order, the others as they are. */
export function reverseSequence({ root }: Cluster, context: KernelContext): KernelPlan {
  const [x, lengths] = root.operands as [Value, Value];
  const shape = staticShape(tensorType(x));
  const steps = rowMajor(shape);
  const time = frontAxis(root.attributes.time_axis, shape.length, 0);
  const batch = frontAxis(root.attributes.batch_axis, shape.length, 1);
  const rest = shape.with(time, 1).with(batch, 1);
  const lanes = lanesFor(context.target, bytesOf(storageOf(tensorType(x).element)));
  return {
    operands: [x, lengths],
    variants: [
      {
        feature: undefined,
        build(k) {
          const [from, given] = [context.input(k, 'x', x), context.input(k, 'lengths', lengths)];
          const y = context.output(k, root.result);
          const size = shape[time] as number;
          k.loop(0, shape[batch] as number, 1, (b) => {
            const length = k.min(k.max(k.convert(k.load(given, b), 'index'), k.index(0)), k.index(size));
            k.loop(0, size, 1, (t) => {
              const mirrored = k.sub(k.sub(length, k.index(1)), t);
              const source = k.select(k.cmp('lt', t, length), mirrored, t);
              const row = k.scaled(b, steps[batch] as number);
              const at = (i: Value) => ({
                strides: steps,
                offset: 0,
                base: k.add(row, k.scaled(i, steps[time] as number)),
              });
              loopNest(k, rest, [at(source), at(t)], lanes, ([a, c], n) => {
                k.store(k.load(from, a as Value, n), y, c as Value);
              });
            });
          });
        },
      },
    ],
  };
}
