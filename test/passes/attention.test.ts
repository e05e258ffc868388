import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { GraphBuilder, input, opNames, run, transform, wave } from '../quant/graphs.ts';

const [batch, tokens, width, size] = [2, 5, 8, 4];
const shape = [batch, tokens, width];
const sample = input(shape, wave(batch * tokens * width));

/** Attention on projections of one input, as exporters write its parts. */
class Spelling {
  readonly graph = new GraphBuilder(shape);

  c = (value: number): Value => this.graph.constant([1], [value]);
  mul = (a: Value, factor: number): Value => this.graph.op(nn.mul, [a, this.c(factor)]);
  add = (a: Value, b: Value): Value => this.graph.op(nn.add, [a, b]);
  matmul = (a: Value, b: Value): Value => this.graph.op(nn.matmul, [a, b]);
  softmax = (x: Value, axis = 3): Value => this.graph.op(nn.softmax, [x], { axis });
  transpose = (x: Value, ...perm: number[]): Value => this.graph.op(nn.transpose, [x], { perm });
  reshape = (x: Value, ...to: number[]): Value => this.graph.op(nn.reshape, [x], { shape: to });
  mask = (...of: number[]): Value =>
    this.graph.constant(
      of,
      wave(
        of.reduce((a, b) => a * b),
        9,
      ),
    );

  /** [batch, tokens, heads, size]. */
  split(heads: number, seed: number): Value {
    const weights = this.graph.constant([width, heads * size], wave(width * heads * size, seed));
    return this.reshape(this.matmul(this.graph.x, weights), batch, tokens, heads, size);
  }

  /** [batch, heads, tokens, size]. */
  heads = (heads: number, seed: number): Value => this.transpose(this.split(heads, seed), 0, 2, 1, 3);

  /** Two heads, each twice. */
  twice(x: Value, repeat: (x: Value) => Value): Value {
    return this.reshape(repeat(this.reshape(x, batch, 2, 1, tokens, size)), batch, 4, tokens, size);
  }

  expanded = (x: Value): Value =>
    this.twice(x, (one) => this.graph.op(nn.expand, [one], { shape: [batch, 2, 2, tokens, size] }));
  joined = (x: Value): Value => this.twice(x, (one) => this.graph.op(nn.concat, [one, one], { axis: 2 }));
}

const spellings: Readonly<Record<string, (s: Spelling) => Value>> = {
  'torchscript: the quotient, then a mask, keys turned once': (s) => {
    const scores = s.matmul(s.heads(3, 1), s.transpose(s.split(3, 2), 0, 2, 3, 1));
    const scaled = s.graph.op(nn.div, [scores, s.c(2)]);
    return s.matmul(s.softmax(s.add(scaled, s.mask(batch, 1, 1, tokens))), s.heads(3, 3));
  },
  'torch.export: a root on either side, keys turned as matrices of three axes': (s) => {
    const keys = s.transpose(s.reshape(s.heads(3, 2), batch * 3, tokens, size), 0, 2, 1);
    const turned = s.mul(s.reshape(keys, batch, 3, size, tokens), 0.7);
    return s.matmul(s.softmax(s.matmul(s.mul(s.heads(3, 1), 0.7), turned), -1), s.heads(3, 3));
  },
  'groups by expand, a mask before all': (s) => {
    const keys = s.transpose(s.expanded(s.heads(2, 2)), 0, 1, 3, 2);
    const scores = s.add(s.mask(tokens, tokens), s.mul(s.matmul(s.heads(4, 1), keys), 0.5));
    return s.matmul(s.softmax(scores), s.expanded(s.heads(2, 3)));
  },
  'groups by concat, factors in the keys': (s) => {
    const keys = s.transpose(s.mul(s.joined(s.heads(2, 2)), 0.5), 0, 1, 3, 2);
    return s.matmul(s.softmax(s.matmul(s.heads(4, 1), keys)), s.joined(s.heads(2, 3)));
  },
};

/** Near misses: nothing may be recognized. */
const others: Readonly<Record<string, (s: Spelling) => Value>> = {
  'weights that something else reads': (s) => {
    const weights = s.softmax(s.matmul(s.heads(3, 1), s.transpose(s.heads(3, 2), 0, 1, 3, 2)));
    return s.add(s.matmul(weights, s.heads(3, 3)), s.graph.op(nn.reduceSum, [weights], { axes: [3], keepdims: true }));
  },
  'a softmax over the queries': (s) =>
    s.matmul(s.softmax(s.matmul(s.heads(3, 1), s.transpose(s.heads(3, 2), 0, 1, 3, 2)), 2), s.heads(3, 3)),
  'a factor after the mask': (s) => {
    const scores = s.matmul(s.heads(3, 1), s.transpose(s.heads(3, 2), 0, 1, 3, 2));
    return s.matmul(s.softmax(s.mul(s.add(scores, s.mask(tokens, tokens)), 0.5)), s.heads(3, 3));
  },
  'keys that are not turned': (s) =>
    s.matmul(
      s.softmax(s.matmul(s.reshape(s.heads(3, 1), batch, 3, tokens, size), s.mask(batch, 3, size, 6))),
      s.mask(batch, 3, 6, 2),
    ),
};

function written(write: (s: Spelling) => Value): Module {
  const s = new Spelling();
  return s.graph.finish(write(s));
}

function expectClose(actual: readonly number[], wanted: readonly number[]): void {
  expect(actual.length).toBe(wanted.length);
  actual.forEach((v, i) => {
    expect(Math.abs(v - (wanted[i] as number))).toBeLessThan(1e-5);
  });
}

describe('attention', () => {
  it.each(Object.entries(spellings))('is recognized: %s', async (_, write) => {
    const wanted = run(written(write), sample);
    const module = written(write);
    await transform(module, 'recognize-attention');
    const names = opNames(module);
    expect(names.filter((name) => name === 'nn.attention')).toHaveLength(1);
    expect(names).not.toContain('nn.softmax');
    expect(names.some((name) => name === 'nn.expand' || name === 'nn.concat')).toBe(false);
    expectClose(run(module, sample), wanted);
  });

  it.each(Object.entries(spellings))('becomes products again: %s', async (_, write) => {
    const wanted = run(written(write), sample);
    const module = written(write);
    await transform(module, 'recognize-attention,expand-attention');
    const names = opNames(module);
    // three projections, and the two products
    expect(names.filter((name) => name === 'nn.matmul')).toHaveLength(5);
    expect(names).not.toContain('nn.attention');
    expect(names.some((name) => name === 'nn.expand' || name === 'nn.concat')).toBe(false);
    expectClose(run(module, sample), wanted);
  });

  it.each(Object.entries(others))('is not seen in %s', async (_, write) => {
    const module = written(write);
    await transform(module, 'recognize-attention');
    expect(opNames(module)).not.toContain('nn.attention');
  });
});
