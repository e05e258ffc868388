import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import type { Dataset } from '../../src/calibrate/data/index.ts';
import { semantics } from '../../src/cli/semantics.ts';
import { type Attribute, type Module, type Op, Resource, Rewriter, tensor, walk } from '../../src/ir/index.ts';
import { type Pass, parsePipeline, runPipeline } from '../../src/pass/index.ts';
import { parse } from '../../src/text/index.ts';
import { wholeModel, wholeModelSample } from './wholeModel.ts';

type Bug = (op: Op) => void;

/** Attributes are others. */
const attributes =
  (changed: Readonly<Record<string, Attribute>>): Bug =>
  (op) =>
    new Rewriter().setAttributes(op, changed);

/** The first operand is read twice. */
const sameOperand: Bug = (op) => new Rewriter().setOperand(op, 1, op.operand(0));

/** The last constant of floats has another first element. */
const weights: Bug = (op) => {
  const index = op.operands.findLastIndex((value) => constant.is(value?.op));
  const { type } = op.operand(index);
  if (type.kind !== 'tensor') throw new Error('no tensor');
  const data = Float32Array.from(constant.attributesOf(op.operand(index).op as Op).value.data() as Float32Array);
  data[0] = (data[0] as number) + 2;
  const rewriter = new Rewriter().before(op);
  const value = Resource.of('planted', 'f32', data);
  const made = rewriter.create(constant, {}, { value }, { types: [tensor(type.shape, 'f32')] });
  rewriter.setOperand(op, index, made.result);
};

interface Planted {
  readonly pass: string;
  readonly layer: string;
  readonly op: string;
  readonly bug: Bug;
  /** The layer's last op, which stands for it, where that is another one. */
  readonly last?: string;
}

const planted: readonly Planted[] = [
  { pass: 'bind-dims', layer: 'relu1', op: 'nn.clamp', bug: attributes({ max: 0.25 }) },
  { pass: 'recognize-activations', layer: 'sum', op: 'nn.add', bug: sameOperand },
  { pass: 'fold-batch-norm', layer: 'conv1', op: 'nn.conv', bug: weights },
  { pass: 'fuse-clamp', layer: 'conv1', op: 'nn.conv', bug: attributes({ clamp: [0, 0.25] }) },
  { pass: 'insert-observers', layer: 'fc', op: 'nn.matmul', bug: weights },
  { pass: 'quantize', layer: 'conv1', op: 'nn.conv', bug: attributes({ clamp: [0, 0.25] }) },
  { pass: 'to-integer', layer: 'sum', op: 'int.add', bug: attributes({ zero_points: [-128, 0] }) },
  { pass: 'expand-dcast', layer: 'fc', op: 'nn.mul', bug: weights },
  { pass: 'float-rescale', layer: 'conv2', op: 'int.rescale_f32', bug: weights },
  { pass: 'uniform-shift', layer: 'conv1', op: 'int.rescale', bug: attributes({ shift: 38 }) },
  { pass: 'explicit-padding', layer: 'conv1', op: 'int.conv', bug: attributes({ zero_point: 9 }), last: 'int.rescale' },
  { pass: 'choose-layout', layer: 'sum', op: 'int.add', bug: sameOperand },
  {
    pass: 'fuse-epilogues',
    layer: 'mean',
    op: 'int.rescale_f32',
    bug: attributes({ zero_point: 0 }),
    last: 'int.turned',
  },
];

const samples = [wholeModelSample(1), wholeModelSample(2)];
const data: Dataset = {
  length: samples.length,
  inputs: ['x'],
  sample: (index) => samples[index] as ReturnType<Dataset['sample']>,
  [Symbol.iterator]: () => samples[Symbol.iterator](),
};

/** Runs the pipeline of w8a8, up to a pass that ends with a bug where one is given. */
async function compileWith(bug?: { readonly pass: string; readonly plant: (module: Module) => void }): Promise<void> {
  const passes = allPasses.map(
    (pass): Pass =>
      pass.name === bug?.pass
        ? {
            ...pass,
            async run(module, options, context) {
              await pass.run(module, options, context);
              bug.plant(module);
            },
          }
        : pass,
  );
  const steps = parsePipeline(pipelineFor('w8a8'));
  await runPipeline(parse(wholeModel, { registry }), steps, {
    passes,
    registry,
    context: { target: wasmTarget, calibration: data },
    instruments: [semantics(data)],
  });
}

describe('--verify-semantics', () => {
  it.each(planted)(
    'finds a bug in $pass, planted in $layer at its $op',
    async ({ pass, layer, op, bug, last = op }) => {
      const plant = (module: Module) => {
        const found = [...walk(module.main.body)].find((one) => one.source === layer && one.name === op);
        if (!found) throw new Error(`no ${op} in ${layer}`);
        bug(found);
      };
      const failure = compileWith({ pass, plant });
      await expect(failure).rejects.toThrow(`the pass '${pass}' changes the results`);
      await expect(failure).rejects.toThrow(`first in layer '${layer}' (${last})`);
    },
  );

  it('has nothing to say when nothing is planted', () => compileWith());
});
