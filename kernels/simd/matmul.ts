import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { quantOf, staticShape, storageOf, type Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { serialMatmul } from '../serial/matmul.ts';
import { buildContraction, type Contraction, panelShape, tileOf } from './contraction.ts';
import { constantMatmul } from './dense.ts';
import { type InnerProduct, innerProducts } from './innerProduct.ts';
import { storedMatmul } from './storedMatmul.ts';

/**
 * A matmul: with packed panels where the right operand is a constant matrix, else on both operands as they lie; of
 * integers that no instruction multiplies, one product after the other.
 */
export function matmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const [left, right] = [0, 1].map((i) => cluster.outside(cluster.root.operand(i))) as [Value, Value];
  const elements = [left, right].map((v) => storageOf(tensorType(v).element));
  const isPacked = constant.is(right.op) && tensorType(right).shape.length === 2;
  if (isPacked && quantOf(tensorType(right)) && elements[0] === 'f32') return storedMatmul(cluster, context);
  if (elements.every((element) => element === 'f32'))
    return isPacked ? constantMatmul(cluster, context) : runtimeMatmul(cluster, context);
  const hasInstruction = elements.every((element) => element === 'i8');
  return isPacked && hasInstruction ? constantMatmul(cluster, context) : serialMatmul(cluster, context);
}

const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/** Products of two float tensors that are both computed: each right matrix is read row by row. */
function runtimeMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { target } = context;
  const [a, b, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [left, right] = [staticShape(tensorType(a)), staticShape(tensorType(b))];
  const [rows, depth, columns] = [left.at(-2), left.at(-1), right.at(-1)] as [number, number, number];
  const [batchA, batchB] = [product(left.slice(0, -2)), product(right.slice(0, -2))];
  invariant(
    batchA === batchB || batchA === 1 || batchB === 1,
    `${root.source}: batch axes are expanded before kernels`,
  );
  // one right matrix for all: the rows of all left ones are rows of one product
  const groups = batchB;
  const problem: Contraction = {
    groups,
    columns,
    groupStep: batchA === 1 ? 0 : rows * depth,
    outer: [],
    rows: groups === 1 ? batchA * rows : rows,
    rowStep: depth,
    segments: [],
    run: depth,
  };
  const products = innerProducts(target, 'f32');
  const unit = products[0]?.columns ?? 1;
  const width =
    target.family === 'simt'
      ? panelShape(problem, products, target).width
      : unit === 1
        ? Math.min(8, columns)
        : Math.min(2, Math.ceil(columns / unit)) * unit;
  const panel = { width, panels: Math.ceil(columns / width) };
  const steps = { group: depth * columns, panel: width, unit, step: columns, starts: 0 };
  const others = epilogueOperands(cluster);
  const perGroup = problem.rows * columns;
  return {
    operands: [a, b, ...(bias ? [bias] : []), ...others],
    multiplyAdds: groups * perGroup * depth,
    variants: products.map((way) => ({
      feature: way.feature,
      tile: tileOf(problem, target, way, panel.width),
      build(k) {
        const x = context.input(k, 'a', a);
        const w = context.input(k, 'b', b);
        const starts = bias ? context.input(k, 'bias', bias) : w;
        const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
        const y = context.output(k, cluster.result);
        const after = epilogue(cluster, beside);
        const how = bias ? way : fromZero(way);
        buildContraction(
          k,
          problem,
          target,
          how,
          panel,
          steps,
          { x, w, starts, y },
          (sums, { group, row, column, lanes }) => {
            const element = k.add(k.add(k.scaled(group, perGroup), k.scaled(row, columns)), column);
            const value = after(k, clamped(k, sums, root), { element, channel: column }, lanes);
            return { value, element };
          },
        );
      },
    })),
  };
}

/** The same products, begun at zero rather than at a start vector. */
function fromZero(way: InnerProduct): InnerProduct {
  return {
    ...way,
    prepare: (k: KernelBuilder, count: number) => ({
      ...way.prepare(k, count),
      start: () => [k.repeated(0, 'f32', way.columns)],
    }),
  };
}
