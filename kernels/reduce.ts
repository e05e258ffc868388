import type { KernelBuilder } from '../dialects/kernel/index.ts';
import { bytesOf, type Dim, modDim, physicalOrder, stepsOf, storageOf, subDim, type Value } from '../src/ir/index.ts';
import { InternalError } from '../src/support/diagnostics.ts';
import { lanesFor } from '../src/target/index.ts';
import { type Cluster, epilogue, epilogueOperands, tensorType } from './cluster.ts';
import type { KernelContext, KernelPlan } from './plan.ts';
import { writeRows } from './write.ts';

/** A reduction over any axes: lanes over the innermost axis when that is kept, else over the sum and then joined. */
export function reduce(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { lower } = root.definition;
  if (lower?.kind !== 'reduce') throw new InternalError(`${root.name} is not a reduction`);
  const x = cluster.outside(root.operand(0));
  const xType = tensorType(x);
  const { shape } = xType;
  const steps = stepsOf(xType);
  const order = physicalOrder(xType.layout, shape.length).filter((axis) => shape[axis] !== 1);
  const reduced = new Set(lower.axes(root).map((axis) => (axis < 0 ? axis + shape.length : axis)));
  const kept = order.filter((axis) => !reduced.has(axis));
  const summed = order.filter((axis) => reduced.has(axis));
  const others = epilogueOperands(cluster);
  const accumulator = lower.accumulator(root);
  const wide = lanesFor(context.target, bytesOf(storageOf(xType.element)));
  const innermost = order.at(-1);
  const lanesOverKept = innermost !== undefined && !reduced.has(innermost);

  const build = (k: KernelBuilder): void => {
    const input = context.input(k, 'x', x);
    const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, beside);
    const prepare = (value: Value) => k.convert(lower.prepare ? lower.prepare(k, value, root) : value, accumulator);

    /** The reduction of what lies at `at`, in `lanes` lanes, over `axes` from number `depth` on. */
    const fold = (axes: readonly number[], at: Value, sum: Value, lanes: number): Value => {
      const [axis, ...rest] = axes;
      if (axis === undefined) return lower.combine(k, sum, prepare(k.load(input, at, lanes)), root);
      const [next] = k.for(0, shape[axis] as Dim, 1, [sum], (i, [carried]) => [
        fold(rest, k.add(at, k.scaled(i, steps[axis] as Dim)), carried as Value, lanes),
      ]);
      return next as Value;
    };

    const finished = (sum: Value, row: Value, channel: Value, lanes: number): Value => {
      const done = lower.finish ? lower.finish(k, sum, root) : sum;
      return after(k, done, { element: k.add(row, channel), channel }, lanes);
    };

    const block = (at: Value, row: Value, channel: Value, lanes: number): Value => {
      const first = k.repeated(lower.init(root), accumulator, lanes);
      return finished(fold(summed, k.add(at, channel), first, lanes), row, channel, lanes);
    };

    /** One result element whose innermost summed axis is contiguous: lanes along it, then joined. */
    const alongInnermost = (at: Value, row: Value, channel: Value): Value => {
      const axis = summed.at(-1);
      const size = axis === undefined ? 1 : (shape[axis] as Dim);
      const contiguous = axis !== undefined && steps[axis] === 1;
      const lanes = contiguous && (typeof size !== 'number' || size >= wide) ? wide : 1;
      const whole = subDim(size, modDim(size, lanes));
      const outer = summed.slice(0, -1);
      const part = (begin: Dim, end: Dim, width: number, sum: Value): Value => {
        const visit = (axes: readonly number[], from: Value, carried: Value): Value => {
          const [a, ...rest] = axes;
          if (a !== undefined) {
            const [next] = k.for(0, shape[a] as Dim, 1, [carried], (i, [c]) => [
              visit(rest, k.add(from, k.scaled(i, steps[a] as Dim)), c as Value),
            ]);
            return next as Value;
          }
          const step = axis === undefined ? 0 : (steps[axis] as Dim);
          const [next] = k.for(begin, end, width, [carried], (i, [c]) => [
            lower.combine(k, c as Value, prepare(k.load(input, k.add(from, k.scaled(i, step)), width)), root),
          ]);
          return next as Value;
        };
        return visit(outer, at, sum);
      };
      let sum = part(0, whole, lanes, k.repeated(lower.init(root), accumulator, lanes));
      // halves joined until one lane is left: a fixed tree
      for (let width = lanes; width > 1; width /= 2) {
        sum = lower.combine(k, k.slice(sum, 0, width / 2), k.slice(sum, width / 2, width / 2), root);
      }
      if (whole !== size) sum = part(whole, size, 1, sum);
      return finished(sum, row, channel, 1);
    };

    // the last kept axis is the result's innermost one
    const channels = kept.length === 0 ? 1 : (shape[kept.at(-1) as number] as Dim);
    const channelStep = kept.length === 0 ? 0 : (steps[kept.at(-1) as number] as Dim);
    const outer = kept.slice(0, -1);
    const lanes = lanesOverKept ? wide : 1;
    const extents = outer.map((axis) => shape[axis] as Dim);
    writeRows(k, context.target, { extents, channels, lanes, buffer: y }, (indices, row, channel, n) => {
      const at = outer.reduce(
        (sum, axis, i) => k.add(sum, k.scaled(indices[i] as Value, steps[axis] as Dim)),
        k.index(0),
      );
      if (lanesOverKept) return block(at, row, channel, n);
      return alongInnermost(k.add(at, k.scaled(channel, channelStep)), row, channel);
    });
  };
  return { operands: [x, ...others], variants: [{ feature: undefined, build }] };
}
