import { expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { carriedScheme, pipelineFor, threading } from '../../passes/pipelines.ts';
import { verifyModule } from '../../src/ir/index.ts';
import { parsePipeline, printPipeline, runPipeline } from '../../src/pass/index.ts';
import {
  type Recipe,
  type RecipeName,
  recipeNames,
  recipes,
  type SchemeName,
  schemeNames,
} from '../../src/scheme/index.ts';
import { parse, printModule } from '../../src/text/index.ts';
import { runKernels } from '../differential/run.ts';
import { wholeModel, wholeModelSample } from './wholeModel.ts';

const context = { target: wasmTarget, calibration: [wholeModelSample(1), wholeModelSample(2), wholeModelSample(3)] };
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

/** Transforms that no recipe by name has. */
const others: Readonly<Record<string, Recipe>> = {
  'mxfp4 on sorted channels': { scheme: 'mxfp4', transforms: ['reorder-channels'] },
};

const schemes = [...schemeNames, ...recipeNames, carriedScheme, ...Object.keys(others)];
const pipelineOf = (name: (typeof schemes)[number]): string =>
  `${pipelineFor(others[name] ?? recipes[name as RecipeName] ?? (name as SchemeName))},${threading}{least_work=0}`;

it.each(schemes)('every pass of %s runs by name on text, and the text loses nothing', async (scheme) => {
  let module = throughText(parse(wholeModel, { registry }));
  for (const step of stepsOf(pipelineOf(scheme))) {
    await run(module, step);
    module = throughText(module);
  }
  const whole = parse(wholeModel, { registry });
  await run(whole, pipelineOf(scheme));
  const inputs = [wholeModelSample(9).x];
  expect(runKernels(module, inputs, wasmTarget)).toEqual(runKernels(whole, inputs, wasmTarget));
});

it('together the pipelines run every pass there is', () => {
  const named = schemes.flatMap((scheme) => stepsOf(pipelineOf(scheme)).map((step) => step.split('{')[0]));
  const left = allPasses.map(({ name }) => name).filter((name) => !named.includes(name));
  expect(left).toEqual([]);
});
