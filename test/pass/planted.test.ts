import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { semantics } from '../../src/cli/semantics.ts';
import { type Module, type Op, Resource, Rewriter, tensor } from '../../src/ir/index.ts';
import { type Pass, parsePipeline, runPipeline } from '../../src/pass/index.ts';
import { parse } from '../../src/text/index.ts';

const model = `
symbol N in 1..8
resource @w1 : f32[216] = random(1)
resource @s : f32[8] = random(2, 0.5, 1.5)
resource @w2 : f32[8] = random(3)
resource @w3 : f32[80] = random(4)
func @main(%x: tensor<Nx3x12x12xf32>) -> (%y: tensor<Nx10xf32>) {
  %w1 = nn.constant {value = @w1} : tensor<8x3x3x3xf32>
  %s = nn.constant {value = @s} : tensor<8xf32>
  %w2 = nn.constant {value = @w2} : tensor<8x1x1x1xf32>
  %w3 = nn.constant {value = @w3} : tensor<8x10xf32>
  %0 = nn.conv %x, %w1 {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]} : tensor<Nx8x12x12xf32> loc("conv1")
  %1 = nn.batch_norm %0, %s, %s, %s, %s : tensor<Nx8x12x12xf32> loc("bn1")
  %2 = nn.clamp %1 {min = 0, max = 6} : tensor<Nx8x12x12xf32> loc("relu1")
  %3 = nn.conv %2, %w2 {strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], group = 8} : tensor<Nx8x12x12xf32> loc("conv2")
  %4 = nn.sigmoid %3 : tensor<Nx8x12x12xf32> loc("sigmoid")
  %5 = nn.add %4, %2 : tensor<Nx8x12x12xf32> loc("sum")
  %6 = nn.reduce_mean %5 {axes = [2, 3], keepdims = false} : tensor<Nx8xf32> loc("mean")
  %7 = nn.matmul %6, %w3 : tensor<Nx10xf32> loc("fc")
  %8 = nn.softmax %7 {axis = 1} : tensor<Nx10xf32> loc("softmax")
  nn.return %8
}
`;

const opIn = (module: Module, layer: string, name?: string): Op => {
  const found = [...module.main.body.ops()].findLast(
    (op) => op.source === layer && !constant.is(op) && (name === undefined || op.name === name),
  );
  if (!found) throw new Error(`no ${name ?? 'op'} in ${layer}`);
  return found;
};

/** Three ways to be wrong. */
const bugs = {
  /** A constant of the layer loses its first element. */
  weights(module: Module, layer: string) {
    const op = opIn(module, layer);
    const index = op.operands.findIndex((value) => constant.is(value?.op) && value?.type.kind === 'tensor');
    const type = op.operand(index).type;
    if (type.kind !== 'tensor') throw new Error('no tensor');
    const old = constant.attributesOf(op.operand(index).op as Op).value;
    const data = Float32Array.from(old.data() as Float32Array);
    data[0] = (data[0] as number) + 2;
    const rewriter = new Rewriter().before(op);
    const value = Resource.of('planted', 'f32', data);
    rewriter.setOperand(
      op,
      index,
      rewriter.create(constant, {}, { value }, { types: [tensor(type.shape, 'f32')] }).result,
    );
  },
  /** The layer reads one operand twice. */
  operand(module: Module, layer: string) {
    const op = opIn(module, layer);
    new Rewriter().setOperand(op, 0, op.operand(1));
  },
  /** An attribute is off by a little. */
  attribute(module: Module, layer: string) {
    const op = opIn(module, layer);
    new Rewriter().setAttributes(op, 'max' in op.attributes ? { max: 0.25 } : { clamp: [0, 0.25] });
  },
};

/** Pass, kind of bug, and the layer that it is planted in. */
const planted: readonly (readonly [string, keyof typeof bugs, string])[] = [
  ['recognize-norms', 'attribute', 'relu1'],
  ['fold-constants', 'operand', 'sum'],
  ['canonicalize', 'weights', 'fc'],
  ['recognize-activations', 'weights', 'conv2'],
  ['fold-batch-norm', 'weights', 'conv1'],
  ['fold-affine', 'attribute', 'relu1'],
  ['fuse-clamp', 'operand', 'sum'],
  ['decompose', 'weights', 'fc'],
  ['explicit-padding', 'weights', 'conv2'],
  ['choose-layout', 'operand', 'sum'],
];

describe('--verify-semantics', () => {
  it.each(planted)('finds a bug planted in %s (%s of %s) and names pass and layer', async (name, kind, layer) => {
    const passes = allPasses.map((pass): Pass => {
      if (pass.name !== name) return pass;
      return {
        ...pass,
        async run(module, options, context) {
          await pass.run(module, options, context);
          bugs[kind](module, layer);
        },
      };
    });
    const steps = parsePipeline(pipelineFor('float'));
    const until = steps.slice(0, steps.findIndex(({ pass }) => pass === name) + 1);
    const failure = runPipeline(parse(model, { registry }), until, {
      passes,
      registry,
      context: { target: wasmTarget },
      instruments: [semantics(undefined)],
    });
    await expect(failure).rejects.toThrow(`the pass '${name}' changes the results`);
    await expect(failure).rejects.toThrow(`first in layer '${layer}'`);
  });

  it('has nothing to say when nothing is planted', async () => {
    await runPipeline(parse(model, { registry }), pipelineFor('float'), {
      passes: allPasses,
      registry,
      context: { target: wasmTarget },
      instruments: [semantics(undefined)],
    });
  });
});
