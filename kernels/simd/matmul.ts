import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import {
  type Dim,
  mulDim,
  productOf,
  quantOf,
  type ScalarType,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { serialMatmul } from '../serial/matmul.ts';
import { type ComputedCodes, computedProduct } from './computedProduct.ts';
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
  if (elements.every((element) => element === 'f32')) {
    if (isPacked) return constantMatmul(cluster, context);
    return runtimeMatmul(cluster, context, (width) => innerProducts(context.target, 'f32', width), 'f32');
  }
  if (isPacked && isCodes(elements[0]) && elements[1] === 'i8') return constantMatmul(cluster, context);
  const codes = computedCodes(cluster, context);
  return codes
    ? runtimeMatmul(cluster, context, () => [computedProduct(codes)], 'i32')
    : serialMatmul(cluster, context);
}

const isCodes = (element: ScalarType | undefined): boolean => element === 'i8' || element === 'i16';

/** What vectors of 16-bit products can multiply: two computed tensors of one type, whose batch axes are the same. */
function computedCodes({ root, outside }: Cluster, { target }: KernelContext): ComputedCodes | undefined {
  if (!target.contractions.includes('dot_i16x8')) return undefined;
  const [left, right] = [0, 1].map((i) => tensorType(outside(root.operand(i)))) as [TensorType, TensorType];
  const element = storageOf(left.element);
  if ((element !== 'i8' && element !== 'i16') || storageOf(right.element) !== element) return undefined;
  const [a, b] = [left.shape, right.shape];
  const [batchA, batchB] = [a.slice(0, -2), b.slice(0, -2)];
  const same = batchA.length === batchB.length && batchA.every((d, i) => d === batchB[i]);
  if (!same && productOf(batchA) !== 1 && productOf(batchB) !== 1) return undefined;
  const { zero_point_a = 0, zero_point_b = 0 } = root.attributes as { zero_point_a?: number; zero_point_b?: number };
  // the differences of 16-bit codes from another zero point need more bits
  if (element === 'i16' && (zero_point_a !== 0 || zero_point_b !== 0)) return undefined;
  const [depth, rowStep] = [a.at(-1), b.at(-1)];
  // the rest of a sum is put into vectors whose lanes are known
  if (typeof depth !== 'number' || typeof rowStep !== 'number') return undefined;
  return { zeroPointA: zero_point_a, zeroPointB: zero_point_b, depth, rowStep };
}

/** Products of two tensors that are both computed: each right matrix is read row by row. */
function runtimeMatmul(
  cluster: Cluster,
  context: KernelContext,
  productsFor: (width?: number) => readonly InnerProduct[],
  sums: 'f32' | 'i32',
): KernelPlan {
  const { root } = cluster;
  const { target } = context;
  const [a, b, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [left, right] = [tensorType(a).shape, tensorType(b).shape];
  const [rows, depth, columns] = [left.at(-2), left.at(-1), right.at(-1)] as [Dim, Dim, Dim];
  const [batchA, batchB] = [productOf(left.slice(0, -2)), productOf(right.slice(0, -2))];
  invariant(
    batchA === batchB || batchA === 1 || batchB === 1,
    `${root.source}: batch axes are expanded before kernels`,
  );
  // one right matrix for all: the rows of all left ones are rows of one product
  const groups = batchB;
  const problem: Contraction = {
    groups,
    columns,
    groupStep: batchA === 1 ? 0 : mulDim(rows, depth),
    outer: [],
    rows: groups === 1 ? mulDim(batchA, rows) : rows,
    rowStep: depth,
    segments: [],
    run: depth,
  };
  const unit = productsFor()[0]?.columns ?? 1;
  const most = typeof columns === 'number' ? columns : Number.POSITIVE_INFINITY;
  const width =
    target.family === 'simt'
      ? panelShape(problem, unit, target).width
      : unit === 1
        ? Math.min(8, most)
        : Math.min(2, Math.ceil(most / unit)) * unit;
  const products = productsFor(width);
  const panel = { width, panels: typeof columns === 'number' ? Math.ceil(columns / width) : columns };
  const stepsFor = ({ columns: unit, step }: InnerProduct) => ({
    group: mulDim(depth, columns),
    panel: width,
    unit,
    step: mulDim(step, columns),
    starts: 0,
  });
  const others = epilogueOperands(cluster);
  const perGroup = mulDim(problem.rows, columns);
  return {
    operands: [a, b, ...(bias ? [bias] : []), ...others],
    multiplyAdds: productOf([groups, perGroup, depth]),
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
        const how = bias ? way : fromZero(way, sums);
        buildContraction(
          k,
          problem,
          target,
          how,
          panel,
          stepsFor(way),
          { x, w, starts, y },
          (total, { group, row, column, lanes }) => {
            const element = k.add(k.add(k.scaled(group, perGroup), k.scaled(row, columns)), column);
            const value = after(k, clamped(k, total, root), { element, channel: column }, lanes);
            return { value, element };
          },
        );
      },
    })),
  };
}

/** The same products, begun at zero rather than at a start vector. */
function fromZero(way: InnerProduct, sums: 'f32' | 'i32'): InnerProduct {
  return {
    ...way,
    prepare: (k: KernelBuilder, count: Dim) => ({
      ...way.prepare(k, count),
      start: () => [k.repeated(0, sums, way.columns)],
    }),
  };
}
