import type { KernelBuilder } from '../dialects/kernel/index.ts';
import { bytesOf, type Dim, physicalOrder, stepsOf, storageOf, type TensorType, type Value } from '../src/ir/index.ts';
import { invariant } from '../src/support/diagnostics.ts';
import { lanesFor } from '../src/target/index.ts';
import { asStored, asValue, type Cluster, elementBody, tensorType } from './cluster.ts';
import type { Access } from './loops.ts';
import type { KernelContext, KernelPlan } from './plan.ts';
import { writeNest } from './write.ts';

/** Strides by which an operand is read for each axis of the result, in the result's physical order (broadcast: 0). */
export function broadcastAccess(operand: TensorType, result: TensorType): Access {
  const [shape, target] = [operand.shape, result.shape];
  const own = stepsOf(operand);
  const lead = target.length - shape.length;
  const byAxis = target.map((_, axis) => {
    const at = axis - lead;
    return at < 0 || shape[at] === 1 ? 0 : (own[at] as Dim);
  });
  return { strides: inOrder(result, byAxis), offset: 0 };
}

/** Numbers by logical axis, put in the physical order of a tensor. */
export function inOrder(type: TensorType, byAxis: readonly Dim[]): Dim[] {
  return physicalOrder(type.layout, byAxis.length).map((axis) => byAxis[axis] as Dim);
}

/** A cluster of elementwise ops: each result element from the operands' elements at the same place. */
export function elementwise(cluster: Cluster, context: KernelContext): KernelPlan {
  const ops = [cluster.root, ...cluster.rest];
  const inside = new Set(ops.map((op) => op.result));
  const operands = [
    ...new Set(ops.flatMap((op) => op.operands.filter((v): v is Value => v !== undefined && !inside.has(v)))),
  ];
  // tables are read whole, by value; everything else element by element
  const tables = new Set(ops.filter((op) => op.name === 'int.table').map((op) => op.operand(1)));
  const result = tensorType(cluster.result);
  const build = (k: KernelBuilder): void => {
    const buffers = operands.map((v, i) => context.input(k, `x${i}`, cluster.outside(v)));
    const out = context.output(k, cluster.result);
    const streamed = operands.filter((v) => !tables.has(v));
    const widths = [...streamed.map((v) => tensorType(cluster.outside(v))), result].map((t) =>
      bytesOf(storageOf(t.element)),
    );
    const lanes = lanesFor(context.target, Math.min(...widths));
    const accesses = streamed.map((v) => broadcastAccess(tensorType(cluster.outside(v)), result));
    const written = { buffer: out, access: broadcastAccess(result, result) };
    writeNest(k, context.target, inOrder(result, result.shape), accesses, written, lanes, (at, n, contiguous) => {
      const values = new Map<Value, Value>();
      for (const table of tables) values.set(table, buffers[operands.indexOf(table)] as Value);
      streamed.forEach((v, i) => {
        const buffer = buffers[operands.indexOf(v)] as Value;
        const whole = n > 1 && contiguous[i];
        const read = whole ? k.load(buffer, at[i] as Value, n) : k.splat(k.load(buffer, at[i] as Value), n);
        values.set(v, asValue(k, cluster.outside(v), read));
      });
      for (const op of ops) {
        const args = op.operands.map((v) => v && (values.get(v) as Value));
        values.set(op.result, elementBody(k, op, args));
      }
      const last = ops.at(-1);
      invariant(last, 'a cluster has a last op');
      return asStored(k, values.get(last.result) as Value);
    });
  };
  const [size, oneByOne] = [bytesOf(storageOf(result.element)), context.target.family === 'simd'];
  const inPlace = operands.flatMap((v, i) => {
    const type = tensorType(cluster.outside(v));
    const read = bytesOf(storageOf(type.element));
    // narrower results fall on elements that only a loop in order has read before
    const fits = oneByOne ? read >= size : read === size;
    const sameWalk = broadcastAccess(type, result).strides.join() === broadcastAccess(result, result).strides.join();
    return sameWalk && fits ? [i] : [];
  });
  return { operands: operands.map(cluster.outside), variants: [{ feature: undefined, build }], inPlace };
}
