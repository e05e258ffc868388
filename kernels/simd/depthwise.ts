import { type KernelBuilder, pack, start } from '../../dialects/kernel/index.ts';
import {
  type Dim,
  mulDim,
  productOf,
  type ScalarType,
  staticShape,
  stepsOf,
  storageOf,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type Intrinsic, type IntrinsicName, intrinsics, lanesFor, type Target } from '../../src/target/index.ts';
import { borderOf, cornerOf, filled, isInsideAll, readable } from '../border.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, perAxis, tensorType } from '../cluster.ts';
import { overlapping } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { writeRows } from '../write.ts';
import { overPixels, tapOffsets, tapPlaces } from './window.ts';

/** How a depthwise kernel adds the products of some taps: `depth` taps a step, for all lanes at once. */
interface TapProduct {
  readonly feature: string | undefined;
  readonly depth: number;
  /** Whether the sign bits of activations are turned where the machine wants them so. */
  readonly flips?: boolean;
  /** Weights as `add` wants them; default: as they lie. */
  readonly weights?: (k: KernelBuilder, w: Value) => Value;
  /** `x` holds one vector for each tap of the step. */
  add(k: KernelBuilder, sum: Value, w: Value, x: readonly Value[], lanes: number): Value;
}

const widened = (k: KernelBuilder, w: Value): Value => k.convert(w, 'i16');

/** Two taps a step: neighbours of interleaved 16-bit lanes. */
const pairs = (name: IntrinsicName): TapProduct => ({
  feature: intrinsics[name].feature,
  depth: 2,
  weights: widened,
  add: (k, sum, w, [a, b]) => k.dot(name, sum, w, k.convert(k.interleave(a as Value, b as Value), 'i16')),
});

/** Two taps a step of 16-bit activations. */
const widePairs = (name: IntrinsicName): TapProduct => ({
  feature: intrinsics[name].feature,
  depth: 2,
  weights: widened,
  add: (k, sum, w, [a, b]) => k.dot(name, sum, w, k.interleave(a as Value, b as Value)),
});

/** Four taps a step: bytes interleaved twice come out as tap 0, 1, 2, 3 of each channel. */
const quads = (name: IntrinsicName, flips: boolean): TapProduct => ({
  feature: intrinsics[name].feature,
  depth: 4,
  flips,
  add(k, sum, w, [a, b, c, d], lanes) {
    const x = k.interleave(k.interleave(a as Value, c as Value), k.interleave(b as Value, d as Value));
    if (!flips) return k.dot(name, sum, w, x);
    return k.dot(name, sum, w, k.xor(x, k.splat(k.convert(k.setting('dot_sign_mask'), 'i8'), 4 * lanes)));
  },
});

const single: TapProduct = {
  feature: undefined,
  depth: 1,
  add: (k, sum, w, [x]) => k.dot('scalar_i8', sum, w, x as Value),
};

const wideSingle: TapProduct = {
  feature: undefined,
  depth: 1,
  add: (k, sum, w, [x]) => k.add(sum, k.mul(k.convert(w, 'i32'), k.convert(x as Value, 'i32'))),
};

const float = (feature: string | undefined): TapProduct => ({
  feature,
  depth: 1,
  add: (k, sum, w, [x]) => k.mulAdd(x as Value, w, sum),
});

const byIntrinsic: Record<IntrinsicName, TapProduct | undefined> = {
  scalar_i8: single,
  // the lanes of a word are channels here: each has products of its own
  dot4_i8: single,
  dot_i8x4: undefined,
  dot_i16x8: pairs('dot_i16x8'),
  dot_i16x16: pairs('dot_i16x16'),
  dot_i16x32: undefined,
  dot_i8x16: quads('dot_i8x16', false),
  // each channel has weights of its own
  mmla_i8x16: undefined,
  relaxed_dot_i8x16: quads('relaxed_dot_i8x16', true),
  dot_u8x64: quads('dot_u8x64', true),
};

function tapProducts(target: Target, element: ScalarType): TapProduct[] {
  if (element === 'i8')
    return target.contractions.map((name) => byIntrinsic[name]).filter((product) => product !== undefined);
  if (element === 'i16') {
    const found = target.contractions.filter((name) => intrinsics[name].element === 'i16');
    return found.length > 0 ? found.map(widePairs) : [wideSingle];
  }
  return target.contractions.flatMap((name, i) => {
    const { feature, floats }: Intrinsic = intrinsics[name];
    return i === 0 || floats ? [float(feature)] : [];
  });
}

/** Weights that stay in registers over a row, when a step needs no more than these. */
const heldWeights = 9;

/** Convolution with one input and one output channel a group, channels innermost; SIMD: without padding. */
export function depthwise(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { rewriter, target } = context;
  const [x, weights, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const xType = tensorType(x);
  const element = storageOf(xType.element);
  const sumElement = element === 'f32' ? 'f32' : 'i32';
  const [channels, , ...kernel] = staticShape(tensorType(weights)) as [number, number, ...number[]];
  const spatial = kernel.length;
  const ints = (name: string) => perAxis(root.attributes[name], spatial);
  const [strides, dilations] = [ints('strides'), ints('dilations')];
  const steps = stepsOf(xType);
  const out = tensorType(cluster.result).shape;
  const [offsets, places] = [tapOffsets(kernel, dilations, steps), tapPlaces(kernel)];
  const zeroPoint = (root.attributes.zero_point as number | undefined) ?? 0;
  const border = borderOf(root, x, kernel, zeroPoint);
  const full = lanesFor(target, { f32: 4, i16: 2 }[element as 'f32'] ?? 1);
  // float windows with many taps: two registers of sums, so that one product need not wait for the one before
  const twice = element === 'f32' && full > 1 && offsets.length > heldWeights && channels >= 2 * full;
  const lanes = twice ? 2 * full : full > 8 && channels <= 8 ? 8 : full;
  const products = tapProducts(target, element);
  const flips = products.some((product) => product.flips);
  const count = Math.ceil(channels / lanes) * lanes;
  const starts = rewriter.create(
    start,
    { weights, bias },
    {
      order: [0, 1, ...kernel.map((_, i) => i + 2)],
      groups: 1,
      padded: count,
      zero_point: zeroPoint,
      flips,
    },
    { types: [tensor([flips ? 2 * count : count], sumElement)] },
  ).result;
  // one packing for each depth: depthwise weights are small, and the order inside a step differs
  const packedFor = (depth: number): Value => {
    const sizes = [Math.ceil(offsets.length / depth), count, depth];
    const packed = rewriter.create(
      pack,
      { x: weights },
      {
        order: [0, 1, ...kernel.map((_, i) => i + 2)],
        shape: [channels, offsets.length],
        axes: [1, 0, 1],
        sizes,
        steps: [depth, 1, 1],
      },
      { types: [tensor([sizes.reduce((n, d) => n * d, 1)], storageOf(tensorType(weights).element))] },
    ).result;
    return context.codes(packed, weights);
  };
  const packings = [...new Set(products.map((p) => p.depth))].map((depth) => ({ depth, packed: packedFor(depth) }));
  const others = epilogueOperands(cluster);

  const build = (k: KernelBuilder, product: TapProduct): void => {
    const input = context.input(k, 'x', x);
    const w = packings.map(({ packed }, i) => context.input(k, `w${i}`, packed))[
      packings.findIndex((p) => p.depth === product.depth)
    ] as Value;
    const startBuffer = context.input(k, 'start', starts);
    const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
    const y = context.output(k, cluster.result);
    const after = epilogue(cluster, beside);
    const groups = Math.ceil(offsets.length / product.depth);
    const held = groups * product.depth <= heldWeights && lanes > 1;
    const begin = product.flips
      ? k.convert(k.and(k.shr(k.setting('dot_sign_mask'), 31), k.constant(count, 'i32')), 'index')
      : k.index(0);

    const pixelStep = mulDim(steps.at(-1) as Dim, strides.at(-1) as number);
    /**
     * A row of pixels; `width` channels at once. What does not change along it is read once. `corner`: where a pixel's
     * window begins along each axis.
     */
    const rowOf = (channel: Value, width: number) => {
      const weightAt = k.scaled(channel, product.depth);
      const load = (g: number) => {
        const found = k.load(w, k.add(weightAt, k.index(g * count * product.depth)), width * product.depth);
        return product.weights?.(k, found) ?? found;
      };
      const preloaded = held ? Array.from({ length: groups }, (_, g) => load(g)) : undefined;
      const first = k.load(startBuffer, k.add(channel, begin), width);
      return (from: Value, element: Value, corner?: readonly Value[]): Value => {
        let sum = first;
        for (let g = 0; g < groups; g++) {
          const taps = Array.from({ length: product.depth }, (_, t) => {
            const tap = Math.min(g * product.depth + t, offsets.length - 1);
            const place = (places[tap] as number[]).map((i) => k.index(i));
            const inside = border && corner && isInsideAll(k, border, corner, place);
            const index = readable(k, inside, k.add(from, k.index(offsets[tap] as Dim)));
            return filled(k, inside, k.load(input, index, width), zeroPoint);
          });
          sum = product.add(k, sum, preloaded?.[g] ?? load(g), taps, width);
        }
        return after(k, clamped(k, sum, root), { element, channel }, width);
      };
    };

    if (target.family === 'simt') {
      const rows = { extents: [out[0] as Dim, ...out.slice(2)], channels, lanes, buffer: y };
      const walk = [steps[0] as Dim, ...strides.map((stride, axis) => mulDim(stride, steps[axis + 2] as Dim))];
      writeRows(k, target, rows, (indices, row, channel, width) => {
        const origin = k.index(border?.origin ?? 0);
        const at = indices.reduce((sum, i, axis) => k.add(sum, k.scaled(i, walk[axis] as Dim)), origin);
        const corner = border && cornerOf(k, border, indices.slice(1));
        return rowOf(channel, width)(k.add(at, channel), k.add(row, channel), corner);
      });
      return;
    }
    invariant(!border, `${root.source}: padding is an op of its own here`);
    // the last spatial axis is the pixel loop
    overPixels(k, { out, strides, steps }, spatial - 1, (at, row) => {
      overlapping(k, channels, lanes, (channel, live) => {
        const pixel = rowOf(channel, lanes);
        k.each(0, out.at(-1) as Dim, 1, (i) => {
          const from = k.add(k.add(at, k.scaled(i, pixelStep)), channel);
          const element = k.add(k.scaled(k.add(row, i), channels), channel);
          k.store(pixel(from, element), y, element, live);
        });
      });
    });
  };

  return {
    operands: [x, ...packings.map((p) => p.packed), starts, ...others],
    multiplyAdds: productOf([...out, offsets.length]),
    variants: products.map((product) => ({ feature: product.feature, build: (k) => build(k, product) })),
  };
}
