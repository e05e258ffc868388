import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import * as nn from '../../dialects/nn/index.ts';
import { bindDims } from '../../passes/import/bindDims.ts';
import { mulDim, symbol, type TensorType } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { GraphBuilder } from '../quant/graphs.ts';

/** A reshape of [N, T, 6] to [N·T, 6]. */
function graph() {
  const [n, t] = [symbol('N'), symbol('T')];
  const builder = new GraphBuilder([n, t, 6]);
  const flat = builder.op(nn.reshape, [builder.x], { shape: [mulDim(n, t), 6] });
  return builder.finish(builder.op(nn.abs, [flat]));
}

const bind = (pipeline: string) => {
  const module = graph();
  return runPipeline(module, pipeline, { passes: [bindDims], registry }).then(() => module);
};

describe('bind-dims', () => {
  it('makes the batch 1 and leaves other dimensions alone', async () => {
    const module = await bind('bind-dims');
    expect((module.main.body.args.map((arg) => arg.type)[0] as TensorType).shape).toEqual([1, symbol('T'), 6]);
    expect((module.main.resultTypes[0] as TensorType).shape).toEqual([symbol('T'), 6]);
  });

  it('binds what is named, in types, attributes and results', async () => {
    const module = await bind('bind-dims{dims=["N=2", "T=5"]}');
    expect((module.main.resultTypes[0] as TensorType).shape).toEqual([10, 6]);
    expect(module.main.body.first?.attributes.shape).toEqual([10, 6]);
  });

  it('refuses unknown names and sizes that are none', async () => {
    await expect(bind('bind-dims{dims=["M=2"]}')).rejects.toThrow(QcError);
    await expect(bind('bind-dims{dims=["N=0"]}')).rejects.toThrow(/whole number/);
  });
});
