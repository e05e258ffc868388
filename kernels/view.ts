import type { KernelBuilder } from '../dialects/kernel/index.ts';
import {
  type AxisIndex,
  bytesOf,
  type Op,
  staticShape,
  storageOf,
  storedElements,
  stridesOf,
  type TensorType,
  type Value,
} from '../src/ir/index.ts';
import { InternalError } from '../src/support/diagnostics.ts';
import { lanesFor } from '../src/target/index.ts';
import { type Cluster, storedElement, tensorType } from './cluster.ts';
import { inOrder } from './elementwise.ts';
import { loopNest } from './loops.ts';
import type { KernelContext, KernelPlan } from './plan.ts';

/** The part of the result that an operand reaches, and how both are walked over it. */
interface Window {
  readonly begin: number[];
  readonly extent: number[];
}

/** For each result axis, the indices at which every operand axis that it walks stays inside the operand. */
function windowOf(operand: TensorType, result: TensorType, index: readonly AxisIndex[]): Window {
  const sizes = staticShape(operand);
  const shape = staticShape(result);
  const begin = shape.map(() => 0);
  const end = [...shape];
  index.forEach(({ axis, stride, offset }, a) => {
    if (axis === undefined || stride === 0) return;
    const last = (sizes[a] as number) - 1;
    const [low, high] =
      stride > 0 ? [-offset / stride, (last - offset) / stride] : [(last - offset) / stride, -offset / stride];
    begin[axis] = Math.max(begin[axis] as number, Math.ceil(low));
    end[axis] = Math.min(end[axis] as number, Math.floor(high) + 1);
  });
  return { begin, extent: end.map((e, axis) => Math.max(0, e - (begin[axis] as number))) };
}

/** The index map of a view; another layout is the identity. */
function indexMap(op: Op): { index: readonly AxisIndex[]; fill: number | undefined } {
  const { lower } = op.definition;
  if (lower?.kind === 'view') return { index: lower.index(op), fill: lower.fill?.(op) };
  if (op.name !== 'nn.relayout') throw new InternalError(`${op.name} is not a view`);
  return { index: tensorType(op.result).shape.map((_, axis) => ({ axis, stride: 1, offset: 0 })), fill: undefined };
}

/** A copy through an index map: transpose, slice, pad, broadcast, another layout. */
export function view(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const source = cluster.outside(root.operand(0));
  const [operand, result] = [tensorType(source), tensorType(cluster.result)];
  const { index, fill } = indexMap(root);
  const window = windowOf(operand, result, index);
  const [from, to] = [stridesOf(operand), stridesOf(result)];
  const rank = window.begin.length;
  const sourceStrides = new Array<number>(rank).fill(0);
  let sourceOffset = 0;
  index.forEach(({ axis, stride, offset }, a) => {
    const step = from[a] as number;
    sourceOffset += offset * step;
    if (axis === undefined) return;
    sourceStrides[axis] = (sourceStrides[axis] as number) + stride * step;
    sourceOffset += (window.begin[axis] as number) * stride * step;
  });
  const targetOffset = window.begin.reduce((sum, b, axis) => sum + b * (to[axis] as number), 0);
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const build = (k: KernelBuilder): void => {
    const x = context.input(k, 'x', source);
    const y = context.output(k, cluster.result);
    const covers = window.extent.every((e, axis) => e === staticShape(result)[axis]);
    if (!covers) {
      const value = k.constant(fill ?? 0, storedElement(cluster.result));
      loopNest(k, [storedElements(result)], [{ strides: [1], offset: 0 }], lanes, ([at], n) => {
        k.store(k.splat(value, n), y, at as Value);
      });
    }
    const accesses = [
      { strides: inOrder(result, sourceStrides), offset: sourceOffset },
      { strides: inOrder(result, to), offset: targetOffset },
    ];
    loopNest(k, inOrder(result, window.extent), accesses, lanes, ([a, b], n, [whole]) => {
      const value = n > 1 && whole ? k.load(x, a as Value, n) : k.splat(k.load(x, a as Value), n);
      k.store(value, y, b as Value);
    });
  };
  return { operands: [source], variants: [{ feature: undefined, build }] };
}

/** Operands one after the other along an axis. */
export function concat(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const axis = root.attributes.axis as number;
  const result = tensorType(cluster.result);
  const to = stridesOf(result);
  const at = axis < 0 ? axis + to.length : axis;
  const sources = root.operands.map((v) => cluster.outside(v as Value));
  const lanes = lanesFor(context.target, bytesOf(storageOf(result.element)));
  const build = (k: KernelBuilder): void => {
    const inputs = sources.map((v, i) => context.input(k, `x${i}`, v));
    const y = context.output(k, cluster.result);
    let begin = 0;
    sources.forEach((source, i) => {
      const type = tensorType(source);
      const extent = staticShape(type);
      const accesses = [
        { strides: inOrder(result, stridesOf(type)), offset: 0 },
        { strides: inOrder(result, to), offset: begin * (to[at] as number) },
      ];
      loopNest(k, inOrder(result, extent), accesses, lanes, ([a, b], n) => {
        k.store(k.load(inputs[i] as Value, a as Value, n), y, b as Value);
      });
      begin += extent[at] as number;
    });
  };
  return { operands: sources, variants: [{ feature: undefined, build }] };
}
