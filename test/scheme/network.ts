import * as nn from '../../dialects/nn/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import { GraphBuilder, input, wave } from '../quant/graphs.ts';

export const samples = [1, 2].map((seed) => input([1, 64], wave(64, seed)));
export const calibration = samples.map((x) => ({ x }));

/** Three matrix products 64 × 64 with a relu after each: `layer 2`, `layer 5` and `layer 8`. */
export function network(): { module: Module; layers: string[] } {
  const graph = new GraphBuilder([1, 64]);
  const layers: string[] = [];
  let x: Value = graph.x;
  for (let k = 0; k < 3; k++) {
    const operands = [x, graph.constant([64, 64], wave(4096, 10 + k)), graph.constant([64], wave(64, 20 + k))];
    x = graph.op(nn.matmul, operands, { clamp: [0, Number.POSITIVE_INFINITY] });
    layers.push(x.op?.source ?? '');
  }
  return { module: graph.finish(x), layers };
}
