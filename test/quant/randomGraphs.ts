import fc from 'fast-check';
import * as nn from '../../dialects/nn/index.ts';
import { type Module, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { GraphBuilder, input, wave } from './graphs.ts';

/** One layer: its kind, and numbers that its sizes and weights are taken from. */
interface Layer {
  readonly kind: keyof typeof layers;
  readonly seed: number;
  readonly choice: number;
}

/** A network by its description, which fast-check can make smaller. */
export interface RandomNetwork {
  readonly shape: readonly number[];
  readonly values: 'wave' | 'negative' | 'constant' | 'huge' | 'tiny' | 'zero';
  readonly layers: readonly Layer[];
}

const shapeOf = (x: Value): number[] => staticShape(x.type as TensorType);
const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Weights of every temper: usual, all zero, one channel of zeros, channels of very different sizes, one sign. */
function weights(graph: GraphBuilder, shape: readonly number[], axis: number, { seed, choice }: Layer): Value {
  const inner = count(shape.slice(axis + 1));
  const depth = count(shape) / (shape[axis] as number);
  const temper = choice % 7;
  const values = wave(count(shape), seed).map((v, i) => {
    const channel = Math.floor(i / inner) % (shape[axis] as number);
    if (temper === 1) return 0;
    if (temper === 2 && channel === 0) return 0;
    const size = temper === 3 ? 10 ** -channel : 1;
    return ((temper === 4 ? Math.abs(v) : v) * size) / Math.sqrt(depth);
  });
  return graph.constant(shape, values);
}

const biasOf = (graph: GraphBuilder, channels: number, { seed, choice }: Layer) =>
  choice % 3 === 0 ? undefined : graph.constant([channels], wave(channels, seed + 1));

/** Another value of the same shape: an earlier one, or a constant. */
function other(graph: GraphBuilder, x: Value, values: readonly Value[], { seed, choice }: Layer): Value {
  const alike = values.filter((v) => v !== x && String(shapeOf(v)) === String(shapeOf(x)));
  if (alike.length > 0 && choice % 3 > 0) return alike[choice % alike.length] as Value;
  const shape = choice % 2 === 0 ? [shapeOf(x).at(-1) as number] : [1];
  return graph.constant(shape, wave(count(shape), seed + 7));
}

type Make = (graph: GraphBuilder, x: Value, values: readonly Value[], layer: Layer) => Value | undefined;

const unary = (definition: (typeof nn)['sigmoid'] | (typeof nn)['silu'] | (typeof nn)['neg']): Make => {
  return (graph, x) => graph.op(definition, [x]);
};

/** How each kind of layer continues from `x`; undefined where it does not fit there. */
const layers = {
  conv(graph, x, _values, layer) {
    const shape = shapeOf(x);
    if (shape.length < 3) return undefined;
    const channels = shape[1] as number;
    const group = layer.choice % 4 === 0 ? channels : layer.choice % 4 === 1 && channels % 2 === 0 ? 2 : 1;
    const filters = group * (1 + (layer.seed % 3));
    const kernel = shape.slice(2).map((_, i) => 1 + ((layer.seed + i) % 3));
    const w = weights(graph, [filters, channels / group, ...kernel], 0, layer);
    const stride = 1 + (layer.choice % 2);
    const pads = [...kernel.map((k) => k >> 1), ...kernel.map((k) => k >> 1)];
    const attributes = { strides: kernel.map(() => stride), pads, dilations: kernel.map(() => 1), group };
    return graph.op(nn.conv, [x, w, biasOf(graph, filters, layer)], attributes);
  },
  matmul(graph, x, _values, layer) {
    const depth = shapeOf(x).at(-1) as number;
    const columns = 1 + (layer.seed % 9);
    return graph.op(nn.matmul, [x, weights(graph, [depth, columns], 1, layer), biasOf(graph, columns, layer)]);
  },
  gram(graph, x) {
    const rank = shapeOf(x).length;
    const perm = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
    return graph.op(nn.matmul, [x, graph.op(nn.transpose, [x], { perm })]);
  },
  add: (graph, x, values, layer) => graph.op(nn.add, [x, other(graph, x, values, layer)]),
  sub: (graph, x, values, layer) => graph.op(nn.sub, [other(graph, x, values, layer), x]),
  mul: (graph, x, values, layer) => graph.op(nn.mul, [x, other(graph, x, values, layer)]),
  concat(graph, x, values, layer) {
    const alike = values.filter((v) => String(shapeOf(v)) === String(shapeOf(x)));
    return graph.op(nn.concat, [x, alike[layer.choice % alike.length] as Value], { axis: 1 });
  },
  maxPool(graph, x) {
    const plane = shapeOf(x).slice(2);
    if (plane.length !== 2 || plane.some((n) => n < 2)) return undefined;
    const attributes = { kernel: [2, 2], strides: [1, 2], pads: [0, 0, 0, 0], dilations: [1, 1] };
    return graph.op(nn.maxPool, [x], attributes);
  },
  avgPool(graph, x, _values, { choice }) {
    const plane = shapeOf(x).slice(2);
    if (plane.length !== 2 || plane.some((n) => n < 3)) return undefined;
    const attributes = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: choice % 2 === 0 };
    return graph.op(nn.avgPool, [x], attributes);
  },
  mean: (graph, x, _values, { choice }) =>
    graph.op(nn.reduceMean, [x], { axes: [1 + (choice % (shapeOf(x).length - 1))], keepdims: true }),
  relu: (graph, x) => graph.op(nn.clamp, [x], { min: 0, max: Number.POSITIVE_INFINITY }),
  clamp: (graph, x, _values, { choice }) => graph.op(nn.clamp, [x], { min: -0.5, max: choice % 2 === 0 ? 6 : -0.25 }),
  sigmoid: unary(nn.sigmoid),
  silu: unary(nn.silu),
  neg: unary(nn.neg),
  softmax: (graph, x) => graph.op(nn.softmax, [x], { axis: -1 }),
  reshape(graph, x) {
    const [batch = 1, channels = 1, ...plane] = shapeOf(x);
    return graph.op(nn.reshape, [x], {
      shape: plane.length > 1 ? [batch, channels, count(plane)] : [batch, plane[0] ?? 1, channels],
    });
  },
  transpose(graph, x) {
    const rank = shapeOf(x).length;
    return graph.op(nn.transpose, [x], { perm: [0, ...Array.from({ length: rank - 1 }, (_, i) => rank - 1 - i)] });
  },
  pad(graph, x) {
    const rank = shapeOf(x).length;
    return graph.op(nn.pad, [x], { pads: Array.from({ length: 2 * rank }, (_, i) => (i === 1 ? 1 : 0)), value: 0.5 });
  },
} satisfies Record<string, Make>;

const kinds = Object.keys(layers) as (keyof typeof layers)[];

const layer: fc.Arbitrary<Layer> = fc.record({
  kind: fc.oneof(fc.constantFrom('conv' as const, 'matmul' as const), fc.constantFrom(...kinds)),
  seed: fc.integer({ min: 1, max: 1000 }),
  choice: fc.nat(41),
});

const size = fc.integer({ min: 1, max: 7 });

/** Networks of some layers on inputs of rank 3 or 4. */
export const randomNetwork: fc.Arbitrary<RandomNetwork> = fc.record({
  shape: fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 3 }), size, size, size),
    fc.tuple(fc.integer({ min: 1, max: 3 }), size, size),
  ),
  values: fc.constantFrom('wave' as const, 'wave' as const, 'negative', 'constant', 'huge', 'tiny', 'zero'),
  layers: fc.array(layer, { minLength: 1, maxLength: 8 }),
});

/** The graph of a description. Layers that do not fit are left out; values stay small. */
export function build({ shape, layers: described }: RandomNetwork): Module {
  const graph = new GraphBuilder(shape);
  const values = [graph.x];
  for (const one of described) {
    const x = values.at(-1) as Value;
    if (count(shapeOf(x)) > 4000) break;
    const y = (layers[one.kind] as Make)(graph, x, values, one);
    if (y) values.push(y);
  }
  return graph.finish(values.at(-1) as Value);
}

const scales = { wave: 3, negative: 3, constant: 0, huge: 1e6, tiny: 1e-7, zero: 0 };

/** An input as the description says. */
export function sample({ shape, values }: RandomNetwork, seed: number): HostTensor {
  const numbers = wave(count(shape), seed).map((v) => v * scales[values]);
  return input(
    shape,
    numbers.map((v) => (values === 'negative' ? -Math.abs(v) - 0.5 : values === 'constant' ? 1.25 : v)),
  );
}
