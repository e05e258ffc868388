import { pack, start } from '../../dialects/kernel/index.ts';
import {
  type Dim,
  mulDim,
  productOf,
  staticShape,
  stepsOf,
  storageOf,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { borderOf } from '../border.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, perAxis, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import {
  buildContraction,
  type Finished,
  type PackedContraction,
  packedSteps,
  panelShape,
  type Sums,
  segmentCount,
  tileOf,
} from './contraction.ts';
import { innerProducts } from './innerProduct.ts';
import { buildWarpContraction, tileOfWarp, warpTileOf } from './warpContraction.ts';
import { paysWide } from './wideOperands.ts';

/** A contraction with constant weights seen as [group][column][segment][run]. */
interface Dense {
  readonly problem: PackedContraction;
  readonly x: Value;
  /** The weights as the model has them, and which of their axes, flattened, are group·column, segment and run. */
  readonly weights: Value;
  readonly weightShape: readonly number[];
  readonly weightOrder: readonly number[];
  readonly bias: Value | undefined;
  readonly zeroPoint: number;
}

/** nn.matmul and int.matmul with a constant matrix on the right: rows · [K, N]. */
export function constantMatmul(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [x, weights, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [depth, columns] = staticShape(tensorType(weights)) as [number, number];
  invariant(
    tensorType(weights).shape.length === 2,
    `${root.source}: the right operand of a matmul must be a matrix here`,
  );
  const rows = productOf(tensorType(x).shape.slice(0, -1));
  const problem: PackedContraction = {
    groups: 1,
    columns,
    groupStep: 0,
    outer: [],
    rows,
    rowStep: depth,
    segments: [],
    run: depth,
  };
  const zeroPoint = (root.attributes.zero_point_a as number | undefined) ?? 0;
  return dense(cluster, context, {
    problem,
    x,
    weights,
    weightShape: [1, columns, 1, depth],
    weightOrder: [1, 0],
    bias,
    zeroPoint,
  });
}

/** nn.conv and int.conv on channels-last activations: implicit im2col, a run along a kernel row that has no padding. */
export function conv(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [x, weights, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const xType = tensorType(x);
  const rank = xType.shape.length;
  const spatial = rank - 2;
  const groups = (root.attributes.group as number | undefined) ?? 1;
  const ints = (name: string) => perAxis(root.attributes[name], spatial);
  const [strides, dilations] = [ints('strides'), ints('dilations')];
  const xSteps = stepsOf(xType);
  const out = tensorType(cluster.result).shape;
  const [outputs, perGroup, ...kernel] = staticShape(tensorType(weights)) as [number, number, ...number[]];
  const [batch] = out as [Dim];
  const pixels = out.slice(2);
  invariant(xSteps[1] === 1 || perGroup * groups === 1, `${root.source}: convolution kernels want channels innermost`);
  const zeroPoint = (root.attributes.zero_point as number | undefined) ?? 0;
  const border = borderOf(root, x, kernel, zeroPoint);
  const pointwise = kernel.every((d) => d === 1) && strides.every((s) => s === 1) && !border;
  const last = spatial - 1;
  const step = (axis: number) => xSteps[axis + 2] as Dim;
  const channels = perGroup * groups;
  // neighbouring pixels of a kernel row are one run, when they are neighbours in memory too
  const joined = dilations[last] === 1 && groups === 1 && step(last) === channels && !border;
  const apart = joined ? kernel.slice(0, last) : kernel;
  const rowsOf = (from: number) => productOf(pixels.slice(from));
  const problem: PackedContraction = {
    groups,
    columns: outputs / groups,
    groupStep: perGroup,
    outer: pointwise
      ? []
      : [
          { extent: batch, input: xSteps[0] as Dim, row: rowsOf(0) },
          ...pixels.slice(0, last).map((extent, axis) => ({
            extent,
            input: mulDim(step(axis), strides[axis] as number),
            row: rowsOf(axis + 1),
          })),
        ],
    rows: pointwise ? mulDim(batch, rowsOf(0)) : (pixels[last] as Dim),
    rowStep: pointwise ? channels : mulDim(step(last), strides[last] as number),
    segments: pointwise
      ? []
      : apart.map((extent, axis) => ({ extent, step: mulDim(step(axis), dilations[axis] as number) })),
    run: joined && !pointwise ? (kernel[last] as number) * perGroup : perGroup,
    ...(border ? { border } : {}),
  };
  return dense(cluster, context, {
    problem,
    x,
    weights,
    weightShape: [groups, outputs / groups, segmentCount(problem), problem.run],
    // [CO, CI, k…] read as [CO, k…, CI]
    weightOrder: [0, ...kernel.map((_, axis) => axis + 2), 1],
    bias,
    zeroPoint,
  });
}

function dense(cluster: Cluster, context: KernelContext, work: Dense): KernelPlan {
  const { problem, x } = work;
  const { rewriter, target } = context;
  const element = storageOf(tensorType(x).element);
  const [first] = innerProducts(target, element);
  if (!first) throw new InternalError(`no way to multiply ${element} on ${target.name}`);
  const panel = panelShape(problem, first.columns, target);
  const { rows } = problem;
  // products of several rows have nothing to gain of one
  const products = innerProducts(target, element, panel.width, cluster.root.attributes.turned === true).filter(
    (product) => typeof rows !== 'number' || (product.rows ?? 1) <= rows,
  );
  const weightElement = storageOf(tensorType(work.weights).element);
  const steps = Math.ceil(problem.run / first.step);
  const units = panel.width / first.columns;
  const sumElement = element === 'f32' ? 'f32' : 'i32';

  // [group][panel][segment][step][unit][column][k in step]
  const axes = [0, 1, 2, 3, 1, 1, 3];
  const sizes = [problem.groups, panel.panels, segmentCount(problem), steps, units, first.columns, first.step];
  const by = [1, panel.width, 1, first.step, first.columns, 1, 1];
  const panels = rewriter.create(
    pack,
    { x: work.weights },
    { order: work.weightOrder, shape: work.weightShape, axes, sizes, steps: by },
    { types: [tensor([sizes.reduce((n, d) => n * d, 1)], weightElement)] },
  ).result;
  const packed = context.codes(panels, work.weights);
  const count = problem.groups * panel.panels * panel.width;
  const flips = products.some((product) => product.flips);
  const starts = rewriter.create(
    start,
    { weights: work.weights, bias: work.bias },
    {
      order: work.weightOrder,
      groups: problem.groups,
      padded: panel.panels * panel.width,
      zero_point: work.zeroPoint,
      flips,
    },
    { types: [tensor([flips ? 2 * count : count], sumElement)] },
  ).result;

  const features = products.flatMap(({ feature }) => feature ?? []);
  const isWide = element === 'i8' && paysWide(target, [x, packed], multiplyAdds(problem));
  const wide = isWide ? [x, packed].map((codes) => context.wide(codes, features)) : [];
  const others = epilogueOperands(cluster);
  const columns = problem.columns * problem.groups;
  const warp = element === 'i8' ? warpTileOf(problem, target) : undefined;
  return {
    operands: [x, packed, starts, ...wide, ...others],
    multiplyAdds: multiplyAdds(problem),
    variants: products.map((product) => ({
      feature: product.feature,
      tile: warp ? tileOfWarp(warp) : tileOf(problem, target, product, panel.width),
      build: (k) => {
        const given = {
          x: context.input(k, 'x', x),
          w: context.input(k, 'w', packed),
          starts: context.input(k, 'start', starts),
        };
        const [wideX, wideW] = wide.map((codes, i) => context.input(k, `wide${i}`, codes));
        const buffers = wideX && wideW && product.feature === undefined ? { ...given, x: wideX, w: wideW } : given;
        const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
        const y = context.output(k, cluster.result);
        const after = epilogue(cluster, beside);
        const steps = packedSteps(problem, product, panel);
        const finish = (sums: Value, { group, row, column, lanes }: Sums): Finished => {
          const channel = k.add(k.scaled(group, problem.columns), column);
          const place = { element: k.add(k.scaled(row, columns), channel), channel };
          const value = clamped(k, sums, cluster.root);
          return { value: after(k, value, place, lanes), element: place.element };
        };
        if (warp) buildWarpContraction(k, problem, warp, steps, { ...buffers, y }, finish);
        else buildContraction(k, problem, target, product, panel, steps, { ...buffers, y }, finish);
      },
    })),
  };
}

function multiplyAdds(problem: PackedContraction): Dim {
  const rows = problem.outer.reduce((n, loop) => mulDim(n, loop.extent), problem.rows);
  return productOf([rows, problem.groups, problem.columns, segmentCount(problem), problem.run]);
}
