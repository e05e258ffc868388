import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { GraphBuilder, input, opNames, run, transform, wave } from '../quant/graphs.ts';

const shape = [2, 3, 8];
const sample = input(
  shape,
  wave(48).map((v) => 4 * v + 0.3),
);

/** Arithmetic on values, as an exporter writes it. */
class Spelling {
  readonly graph = new GraphBuilder(shape);
  readonly x = this.graph.x;

  c = (value: number): Value => this.graph.constant([], [value]);
  vector = (seed: number): Value => this.graph.constant([8], wave(8, seed));
  add = (a: Value, b: Value): Value => this.graph.op(nn.add, [a, b]);
  sub = (a: Value, b: Value): Value => this.graph.op(nn.sub, [a, b]);
  mul = (a: Value, b: Value): Value => this.graph.op(nn.mul, [a, b]);
  div = (a: Value, b: Value): Value => this.graph.op(nn.div, [a, b]);
  pow = (a: Value, exponent: number): Value => this.graph.op(nn.pow, [a, this.c(exponent)]);
  exp = (x: Value): Value => this.graph.op(nn.exp, [x]);
  sqrt = (x: Value): Value => this.graph.op(nn.sqrt, [x]);
  mean = (x: Value): Value => this.graph.op(nn.reduceMean, [x], { axes: [-1], keepdims: true });
  sum = (x: Value): Value => this.graph.op(nn.reduceSum, [x], { axes: [1], keepdims: true });
  max = (x: Value): Value => this.graph.op(nn.reduceMax, [x], { axes: [1], keepdims: true });
  square = (x: Value): Value => this.mul(x, x);
  reshape = (x: Value, to: readonly number[]): Value => this.graph.op(nn.reshape, [x], { shape: [...to] });
  concat = (a: Value, b: Value, axis = 2): Value => this.graph.op(nn.concat, [a, b], { axis });
  angles = (width: number, seed: number): Value => this.graph.constant([3, width], wave(3 * width, seed));
  /** Four elements of the last axis. */
  part = (start: number, step: number): Value =>
    this.graph.op(nn.slice, [this.x], { starts: [0, 0, start], steps: [1, 1, step], sizes: [2, 3, 4] });
  apply = (definition: Parameters<GraphBuilder['op']>[0], x: Value): Value => this.graph.op(definition, [x]);
}

type Write = (s: Spelling) => Value;

/** Spellings by what writes them, the pass that reads them, and the ops that are left. */
const spellings: readonly (readonly [string, string, readonly string[], Write])[] = [
  [
    'layer norm of torchscript: pow, div, scale and bias',
    'recognize-norms',
    ['nn.normalize', 'nn.mul', 'nn.add'],
    (s) => {
      const centred = s.sub(s.x, s.mean(s.x));
      const deviation = s.sqrt(s.add(s.mean(s.pow(centred, 2)), s.c(1e-5)));
      return s.add(s.mul(s.div(centred, deviation), s.vector(1)), s.vector(2));
    },
  ],
  [
    'layer norm of paddle: the square is a product',
    'recognize-norms',
    ['nn.normalize'],
    (s) => {
      const centred = s.sub(s.x, s.mean(s.x));
      return s.div(centred, s.sqrt(s.add(s.mean(s.square(centred)), s.c(1e-6))));
    },
  ],
  [
    'layer norm of tensorflow: squared difference, factor and offset',
    'recognize-norms',
    ['nn.normalize', 'nn.mul', 'nn.add'],
    (s) => {
      const mean = s.mean(s.x);
      const difference = s.sub(s.x, mean);
      const inverse = s.apply(nn.reciprocal, s.sqrt(s.add(s.mean(s.square(difference)), s.c(1e-3))));
      const factor = s.mul(inverse, s.vector(3));
      return s.add(s.mul(s.x, factor), s.sub(s.vector(4), s.mul(factor, mean)));
    },
  ],
  [
    'layer norm with the difference written twice, and the factor first',
    'recognize-norms',
    ['nn.normalize', 'nn.mul'],
    (s) => {
      const mean = s.mean(s.x);
      const inverse = s.pow(s.add(s.c(1e-5), s.mean(s.pow(s.sub(s.x, mean), 2))), -0.5);
      return s.mul(s.sub(s.x, mean), s.mul(s.vector(5), inverse));
    },
  ],
  [
    'RMS norm of torch.export: reciprocal of the root',
    'recognize-norms',
    ['nn.normalize', 'nn.mul'],
    (s) => {
      const inverse = s.apply(nn.reciprocal, s.sqrt(s.add(s.mean(s.square(s.x)), s.c(1e-5))));
      return s.mul(s.vector(1), s.mul(s.x, inverse));
    },
  ],
  [
    'RMS norm of torchscript: one over the root',
    'recognize-norms',
    ['nn.normalize'],
    (s) => s.mul(s.x, s.div(s.c(1), s.sqrt(s.add(s.mean(s.pow(s.x, 2)), s.c(1e-6))))),
  ],
  [
    'rotary embedding of two halves, angles for each element',
    'recognize-rotary',
    ['nn.rotary'],
    (s) => {
      const turned = s.concat(s.apply(nn.neg, s.part(4, 1)), s.part(0, 1));
      return s.add(s.mul(s.x, s.angles(8, 1)), s.mul(turned, s.angles(8, 2)));
    },
  ],
  [
    'rotary embedding of two halves, angles for each pair',
    'recognize-rotary',
    ['nn.rotary'],
    (s) => {
      const [a, b, cos, sin] = [s.part(0, 1), s.part(4, 1), s.angles(4, 1), s.angles(4, 2)];
      return s.concat(s.sub(s.mul(a, cos), s.mul(b, sin)), s.add(s.mul(b, cos), s.mul(a, sin)));
    },
  ],
  [
    'rotary embedding of neighbours, in columns',
    'recognize-rotary',
    ['nn.reshape', 'nn.reshape', 'nn.rotary', 'nn.reshape', 'nn.reshape'],
    (s) => {
      const pairs = s.reshape(s.x, [2, 3, 4, 2]);
      const column = (start: number) =>
        s.reshape(
          s.graph.op(nn.slice, [pairs], { starts: [0, 0, 0, start], steps: [1, 1, 1, 1], sizes: [2, 3, 4, 1] }),
          [2, 3, 4],
        );
      const [a, b, cos, sin] = [column(0), column(1), s.angles(4, 1), s.angles(4, 2)];
      const [first, second] = [s.sub(s.mul(a, cos), s.mul(b, sin)), s.add(s.mul(a, sin), s.mul(b, cos))];
      const joined = s.concat(s.reshape(first, [2, 3, 4, 1]), s.reshape(second, [2, 3, 4, 1]), 3);
      return s.reshape(joined, [2, 3, 8]);
    },
  ],
  [
    'rotary embedding of every second element',
    'recognize-rotary',
    ['nn.rotary', 'nn.reshape', 'nn.reshape'],
    (s) => {
      const [a, b, cos, sin] = [s.part(0, 2), s.part(1, 2), s.angles(4, 3), s.angles(4, 4)];
      const [first, second] = [s.sub(s.mul(a, cos), s.mul(b, sin)), s.add(s.mul(a, sin), s.mul(b, cos))];
      const joined = s.concat(s.reshape(first, [2, 3, 4, 1]), s.reshape(second, [2, 3, 4, 1]), 3);
      return s.reshape(joined, [2, 3, 8]);
    },
  ],
  [
    'softmax with its maximum',
    'recognize-softmax',
    ['nn.softmax'],
    (s) => {
      const powers = s.exp(s.sub(s.x, s.max(s.x)));
      return s.div(powers, s.sum(powers));
    },
  ],
  [
    'softmax without maximum, by a reciprocal',
    'recognize-softmax',
    ['nn.softmax'],
    (s) => {
      const powers = s.exp(s.x);
      return s.mul(s.apply(nn.reciprocal, s.sum(powers)), powers);
    },
  ],
  [
    'the exponential of log-softmax',
    'recognize-softmax',
    ['nn.softmax'],
    (s) => {
      const centred = s.sub(s.x, s.max(s.x));
      return s.exp(s.sub(centred, s.apply(nn.log, s.sum(s.exp(centred)))));
    },
  ],
  [
    'GELU by erf, halved last',
    'recognize-activations',
    ['nn.gelu'],
    (s) => s.mul(s.mul(s.x, s.add(s.apply(nn.erf, s.div(s.x, s.c(Math.SQRT2))), s.c(1))), s.c(0.5)),
  ],
  [
    'GELU by tanh and a power',
    'recognize-activations',
    ['nn.gelu'],
    (s) => {
      const sum = s.add(s.x, s.mul(s.pow(s.x, 3), s.c(0.044715)));
      return s.mul(s.mul(s.c(0.5), s.x), s.add(s.c(1), s.apply(nn.tanh, s.mul(s.c(Math.sqrt(2 / Math.PI)), sum))));
    },
  ],
  [
    'GELU by tanh, factored',
    'recognize-activations',
    ['nn.gelu'],
    (s) => {
      const factor = s.add(s.c(1), s.mul(s.mul(s.c(0.044715), s.x), s.x));
      const argument = s.mul(s.mul(s.x, s.c(Math.sqrt(2 / Math.PI))), factor);
      return s.mul(s.x, s.mul(s.c(0.5), s.add(s.apply(nn.tanh, argument), s.c(1))));
    },
  ],
  ['SiLU', 'recognize-activations', ['nn.silu'], (s) => s.mul(s.apply(nn.sigmoid, s.x), s.x)],
  [
    'SiLU by an exponential',
    'recognize-activations',
    ['nn.silu'],
    (s) => s.div(s.x, s.add(s.c(1), s.exp(s.apply(nn.neg, s.x)))),
  ],
  [
    'the sigmoid form of GELU',
    'recognize-activations',
    ['nn.silu'],
    (s) => s.mul(s.x, s.apply(nn.sigmoid, s.mul(s.x, s.c(1.702)))),
  ],
  [
    'Mish by a logarithm',
    'recognize-activations',
    ['nn.mish'],
    (s) => s.mul(s.x, s.apply(nn.tanh, s.apply(nn.log, s.add(s.exp(s.x), s.c(1))))),
  ],
];

/** Near misses: one part differs, and nothing may be recognized. */
const others: readonly (readonly [string, string, string, Write])[] = [
  ['a mean over another axis', 'recognize-norms', 'nn.normalize', (s) => s.div(s.x, s.sqrt(s.sum(s.square(s.x))))],
  [
    'the power of another value',
    'recognize-norms',
    'nn.normalize',
    (s) => s.div(s.x, s.sqrt(s.add(s.mean(s.square(s.add(s.x, s.c(1)))), s.c(1e-5)))),
  ],
  ['another divisor', 'recognize-softmax', 'nn.softmax', (s) => s.div(s.exp(s.x), s.sum(s.exp(s.add(s.x, s.c(1)))))],
  [
    'another factor of the cube',
    'recognize-activations',
    'nn.gelu',
    (s) => {
      const sum = s.add(s.x, s.mul(s.pow(s.x, 3), s.c(0.05)));
      return s.mul(s.mul(s.c(0.5), s.x), s.add(s.c(1), s.apply(nn.tanh, s.mul(s.c(Math.sqrt(2 / Math.PI)), sum))));
    },
  ],
];

describe('recognitions', () => {
  it.each(spellings)('%s', async (_name, pass, left, write) => {
    const s = new Spelling();
    const module = s.graph.finish(write(s));
    const before = run(module, sample);
    await transform(module, pass);
    expect(opNames(module)).toEqual(left);
    run(module, sample).forEach((v, i) => {
      expect(Math.abs(v - (before[i] as number))).toBeLessThanOrEqual(1e-5);
    });
  });

  it.each(spellings.filter(([, , left]) => left.includes('nn.rotary')))(
    '%s, decomposed again',
    async (...[, pass, , write]) => {
      const s = new Spelling();
      const module = s.graph.finish(write(s));
      const before = run(module, sample);
      await transform(module, `${pass},decompose`);
      expect(opNames(module)).not.toContain('nn.rotary');
      run(module, sample).forEach((v, i) => {
        expect(Math.abs(v - (before[i] as number))).toBeLessThanOrEqual(1e-5);
      });
    },
  );

  it.each(others)('leave %s alone', async (_name, pass, refused, write) => {
    const s = new Spelling();
    const module = s.graph.finish(write(s));
    await transform(module, pass);
    expect(opNames(module)).not.toContain(refused);
  });
});
