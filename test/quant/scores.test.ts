import { describe, expect, it } from 'vitest';
import * as nn from '../../dialects/nn/index.ts';
import { clamp } from '../../dialects/nn/index.ts';
import { qcast } from '../../dialects/quant/index.ts';
import type { Module, Op, TensorType, Value } from '../../src/ir/index.ts';
import { quantOf, uniformParams } from '../../src/ir/index.ts';
import { GraphBuilder, input, opNames, run, transform, wave } from './graphs.ts';

const [tokens, width] = [6, 8];
const shape = [1, tokens, width];
const samples = [1, 2, 3].map((seed) => input(shape, wave(tokens * width, seed)));
const calibrated = 'insert-observers,calibrate{observer=minmax},quantize';

/** One head of attention with rotary embeddings and a mask that hides what comes later. */
function attention(): Module {
  const graph = new GraphBuilder(shape);
  const project = (x: Value, seed: number) => graph.op(nn.matmul, [x, graph.constant([width, width], wave(64, seed))]);
  const [cos, sin] = [4, 5].map((seed) => graph.constant([tokens, width], wave(tokens * width, seed))) as [
    Value,
    Value,
  ];
  const [q, k] = [10, 20].map((seed) => graph.op(nn.rotary, [project(graph.x, seed), cos, sin])) as [Value, Value];
  const v = project(graph.x, 30);
  const scores = graph.op(nn.matmul, [q, graph.op(nn.transpose, [k], { perm: [0, 2, 1] })]);
  const mask = Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0));
  const masked = graph.op(nn.add, [scores, graph.constant([tokens, tokens], mask)]);
  const mixed = graph.op(nn.matmul, [graph.op(nn.softmax, [masked], { axis: 2 }), v]);
  return graph.finish(project(mixed, 40));
}

function snr(a: Module, b: Module): number {
  let [signal, noise] = [0, 0];
  for (const sample of samples) {
    const [reference, output] = [run(a, sample), run(b, sample)];
    reference.forEach((v, i) => {
      signal += v * v;
      noise += (v - (output[i] as number)) ** 2;
    });
  }
  return 10 * Math.log10(signal / noise);
}

describe('attention under w8a8', () => {
  it('multiplies codes alone, and no mask enters a range', async () => {
    const module = attention();
    const reports = await transform(module, `${calibrated},to-integer`, samples);
    expect(opNames(module).filter((name) => name === 'int.matmul').length).toBe(6);
    expect(opNames(module)).not.toContain('nn.matmul');
    expect(reports.filter((line) => line.includes('stays float'))).toEqual([]);
    expect(snr(attention(), module)).toBeGreaterThan(30);
  });

  it('gives the factors of computed products as many bits as 32-bit sums hold, whatever the inputs', async () => {
    const module = attention();
    await transform(module, calibrated, samples);
    const casts = [...module.ops()].filter((op): op is Op & { definition: typeof qcast } => qcast.is(op));
    const wide = casts.filter((op) => quantOf(op.result.type as TensorType)?.storage === 'i16');
    expect(wide.map((op) => op.operand(0).op?.name)).toEqual(new Array(4).fill('nn.clamp'));
    const largest = wide.map((op) => {
      const limits = clamp.attributesOf(op.operand(0).op as Op & { definition: typeof clamp });
      const type = quantOf(op.result.type as TensorType);
      return limits.max / ((type && uniformParams(type)?.scale) as number);
    });
    for (const code of largest) expect(code).toBeGreaterThan(2 ** 13);
    const most = Math.max(...largest.map(Math.round));
    expect(most * most * width).toBeLessThan(2 ** 31);
    const reports = await transform(module, 'to-integer');
    const bits = reports.map((line) => Number(/, (\d+) bits/.exec(line)?.[1] ?? 0));
    expect(Math.max(...bits)).toBeLessThanOrEqual(32);
    const far = input(
      shape,
      wave(tokens * width, 7).map((v) => 1000 * v),
    );
    for (const y of run(module, far)) expect(Number.isFinite(y)).toBe(true);
  });
});
