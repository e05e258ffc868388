import { expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { carriedScheme, pipelineFor } from '../../passes/pipelines.ts';
import { verifyModule } from '../../src/ir/index.ts';
import { parsePipeline, printPipeline, runPipeline } from '../../src/pass/index.ts';
import { type RecipeName, recipeNames, recipes, type SchemeName, schemeNames } from '../../src/scheme/index.ts';
import { parse, printModule, RandomResource } from '../../src/text/index.ts';
import { runKernels } from '../differential/run.ts';

const shape = [1, 3, 12, 12];
const size = shape.reduce((n, d) => n * d, 1);
const sample = (seed: number) => ({
  x: { dtype: 'f32', shape, data: new RandomResource('x', 'f32', size, seed).data() } as const,
});

const model = `
symbol N in 0..2147483647
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

const context = { target: wasmTarget, calibration: [sample(1), sample(2), sample(3)] };
const run = (module: Parameters<typeof runPipeline>[0], steps: string) =>
  runPipeline(module, steps, { passes: allPasses, registry, context });

/** The text of a module, read again: what the next pass is given when it runs by name on text. */
function throughText(module: Parameters<typeof printModule>[0]) {
  const { text, bin } = printModule(module);
  const again = parse(text, { registry, bin });
  expect(printModule(again).text).toBe(text);
  verifyModule(again);
  return again;
}

/** The steps of a pipeline's text, each as text. */
const stepsOf = (pipeline: string): string[] => parsePipeline(pipeline).map((step) => printPipeline([step]));

const schemes = [...schemeNames, ...recipeNames, carriedScheme] as const;
const pipelineOf = (name: (typeof schemes)[number]): string =>
  pipelineFor(recipes[name as RecipeName] ?? (name as SchemeName));

it.each(schemes)('every pass of %s runs by name on text, and the text loses nothing', async (scheme) => {
  let module = throughText(parse(model, { registry }));
  for (const step of stepsOf(pipelineOf(scheme))) {
    await run(module, step);
    module = throughText(module);
  }
  const whole = parse(model, { registry });
  await run(whole, pipelineOf(scheme));
  const inputs = [sample(9).x];
  expect(runKernels(module, inputs, wasmTarget)).toEqual(runKernels(whole, inputs, wasmTarget));
});

it('together the pipelines run every pass there is', () => {
  const named = schemes.flatMap((scheme) => stepsOf(pipelineOf(scheme)).map((step) => step.split('{')[0]));
  const left = allPasses.map(({ name }) => name).filter((name) => !named.includes(name));
  expect(left).toEqual([]);
});
