import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { GraphBuilder, input, opNames, run, transform, wave } from '../quant/graphs.ts';

const shape = [1, 2, 4, 4];
const sample = input(shape, wave(32));
const conv = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

/** Runs passes and checks that the results stay within `tolerance` of what they were. */
async function preserved(module: Module, pipeline: string, tolerance: number): Promise<string[]> {
  const before = run(module, sample);
  await transform(module, pipeline);
  const after = run(module, sample);
  expect(after.length).toBe(before.length);
  after.forEach((v, i) => {
    expect(Math.abs(v - (before[i] as number))).toBeLessThanOrEqual(tolerance);
  });
  return opNames(module);
}

/** x through a convolution with 3 output channels. */
function convolution(graph: GraphBuilder): ReturnType<GraphBuilder['op']> {
  return graph.op(
    nn.conv,
    [graph.x, graph.constant([3, 2, 3, 3], wave(54, 7)), graph.constant([3], [0.5, -0.5, 0])],
    conv,
  );
}

describe('passes on the float graph', () => {
  it('canonicalize drops what does nothing and joins moves', async () => {
    const graph = new GraphBuilder(shape);
    const there = graph.op(nn.transpose, [graph.x], { perm: [0, 2, 3, 1] });
    const back = graph.op(nn.transpose, [there], { perm: [0, 3, 1, 2] });
    const one = graph.op(nn.mul, [back, graph.constant([], [1])]);
    const flat = graph.op(nn.reshape, [one], { shape: [1, 32] });
    const y = graph.op(nn.reshape, [flat], { shape });
    const clamped = graph.op(nn.clamp, [graph.op(nn.clamp, [y], { min: 0 })], { min: -1, max: 0.5 });
    expect(await preserved(graph.finish(clamped), 'canonicalize', 0)).toEqual(['nn.clamp']);
  });

  it('canonicalize makes padding with zeros part of the convolution, and keeps other padding', async () => {
    for (const value of [0, 1]) {
      const graph = new GraphBuilder(shape);
      const padded = graph.op(nn.pad, [graph.x], { pads: [0, 0, 1, 0, 0, 0, 2, 1], value });
      const w = graph.constant([3, 2, 3, 3], wave(54, 7));
      const y = graph.op(nn.conv, [padded, w], { strides: [2, 1], pads: [0, 0, 0, 0], dilations: [1, 1] });
      const names = await preserved(graph.finish(y), 'canonicalize', 0);
      expect(names).toEqual(value === 0 ? ['nn.conv'] : ['nn.pad', 'nn.conv']);
    }
  });

  it('canonicalize sees a mean in a pool over the whole plane', async () => {
    const graph = new GraphBuilder(shape);
    const y = graph.op(nn.avgPool, [graph.x], { kernel: [4, 4], strides: [4, 4], pads: [0, 0, 0, 0] });
    expect(await preserved(graph.finish(y), 'canonicalize', 0)).toEqual(['nn.reduce_mean']);
  });

  it('fold-constants computes what the input has no part in', async () => {
    const graph = new GraphBuilder(shape);
    const c = graph.op(nn.exp, [graph.op(nn.add, [graph.constant([2], [1, 2]), graph.constant([], [3])])]);
    const y = graph.op(nn.mul, [graph.x, graph.op(nn.reshape, [c], { shape: [2, 1, 1] })]);
    expect(await preserved(graph.finish(y), 'fold-constants', 0)).toEqual(['nn.mul']);
  });

  it('fold-batch-norm folds into a convolution, or leaves a product and a sum', async () => {
    const graph = new GraphBuilder(shape);
    const norm = (x: ReturnType<GraphBuilder['op']>, c: number) => {
      const parameters = [1, 2, 3].map((seed) => graph.constant([c], wave(c, seed)));
      const variance = graph.constant(
        [c],
        wave(c, 4).map((v) => v + 1.5),
      );
      return graph.op(nn.batchNorm, [x, ...parameters, variance]);
    };
    const module = graph.finish(norm(convolution(graph), 3));
    expect(await preserved(module, 'fold-batch-norm', 1e-5)).toEqual(['nn.conv']);
    const other = new GraphBuilder(shape);
    const parameters = [1, 2, 3, 4].map((seed) =>
      other.constant(
        [2],
        wave(2, seed).map((v) => v + 1.5),
      ),
    );
    const alone = other.finish(other.op(nn.batchNorm, [other.x, ...parameters]));
    expect(await preserved(alone, 'fold-batch-norm', 1e-5)).toEqual(['nn.mul', 'nn.add']);
  });

  it('fold-affine folds channel-wise constants, and nothing that differs along another axis', async () => {
    const graph = new GraphBuilder(shape);
    const scaled = graph.op(nn.mul, [convolution(graph), graph.constant([3, 1, 1], [2, -1, 0.5])]);
    const shifted = graph.op(nn.sub, [
      graph.op(nn.add, [graph.constant([], [3]), scaled]),
      graph.constant([1], [0.25]),
    ]);
    expect(await preserved(graph.finish(shifted), 'fold-affine', 1e-5)).toEqual(['nn.conv']);
    const other = new GraphBuilder(shape);
    const rows = other.op(nn.mul, [convolution(other), other.constant([4, 1], [1, 2, 3, 4])]);
    expect(await preserved(other.finish(rows), 'fold-affine', 0)).toEqual(['nn.conv', 'nn.mul']);
  });

  it('fold-affine folds what all matrix products behind it can take', async () => {
    const build = (shared: boolean) => {
      const graph = new GraphBuilder(shape);
      const gain = graph.constant([shape.at(-1) as number], wave(shape.at(-1) as number, 3));
      const x = graph.op(nn.add, [graph.op(nn.mul, [graph.op(nn.tanh, [graph.x]), gain]), gain]);
      const layer = (seed: number) => {
        const depth = shape.at(-1) as number;
        return graph.op(nn.matmul, [x, graph.constant([depth, 2], wave(2 * depth, seed))]);
      };
      const sum = graph.op(nn.add, [layer(5), layer(6)]);
      return graph.finish(shared ? graph.op(nn.concat, [sum, x], { axis: -1 }) : sum);
    };
    expect(await preserved(build(false), 'fold-affine', 1e-5)).toEqual(['nn.tanh', 'nn.matmul', 'nn.matmul', 'nn.add']);
    expect((await preserved(build(true), 'fold-affine', 0)).slice(0, 3)).toEqual(['nn.tanh', 'nn.mul', 'nn.add']);
  });

  it('fuse-clamp fuses one user and composes bounds', async () => {
    const graph = new GraphBuilder(shape);
    const y = graph.op(nn.clamp, [graph.op(nn.clamp, [convolution(graph)], { min: 0 })], { min: -5, max: 0.5 });
    expect(await preserved(graph.finish(y), 'fuse-clamp', 0)).toEqual(['nn.conv']);
    const other = new GraphBuilder(shape);
    const x = convolution(other);
    const both = other.op(nn.add, [other.op(nn.clamp, [x], { min: 0 }), x]);
    expect(await preserved(other.finish(both), 'fuse-clamp', 0)).toEqual(['nn.conv', 'nn.clamp', 'nn.add']);
  });

  it('recognize-activations finds hard swish, SiLU and GELU', async () => {
    const graph = new GraphBuilder(shape);
    const { x } = graph;
    const c = (v: number) => graph.constant([], [v]);
    const gate = graph.op(nn.clamp, [graph.op(nn.add, [x, c(3)])], { min: 0, max: 6 });
    const hard = graph.op(nn.div, [graph.op(nn.mul, [x, gate]), c(6)]);
    const silu = graph.op(nn.mul, [graph.op(nn.sigmoid, [hard]), hard]);
    const erf = graph.op(nn.erf, [graph.op(nn.div, [silu, c(Math.SQRT2)])]);
    const gelu = graph.op(nn.mul, [graph.op(nn.mul, [silu, graph.op(nn.add, [erf, c(1)])]), c(0.5)]);
    const names = await preserved(graph.finish(gelu), 'recognize-activations', 1e-6);
    expect(names).toEqual(['nn.hard_swish', 'nn.silu', 'nn.gelu']);
  });
});
