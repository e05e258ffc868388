import { join } from 'node:path';
import type { Border, CpuName, DispatchName, TargetName, WeightsName } from '../api/choices.ts';
import {
  type Artifact,
  type CompileOptions,
  copyPrepared,
  finish,
  type Prepared,
  type PrepareOptions,
  prepare,
} from '../api/compile.ts';
import { instantiate } from '../api/instantiate.ts';
import { checkedRecipe } from '../api/recipe.ts';
import { selfTestError } from '../api/selfTest.ts';
import { readTuning } from '../api/tune.ts';
import type { FrontPoint } from '../pass/index.ts';
import { recipeOf } from '../scheme/index.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { Schedules } from '../target/index.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { calibrationData } from './calibrationData.ts';
import type { calibrationOptions } from './dataOptions.ts';
import { explainText } from './explainText.ts';
import { readFile } from './files.ts';
import { frontPicture } from './frontPicture.ts';
import type { modelOptions, pipelineOptions, stateOptions } from './globalOptions.ts';
import { parseLimits } from './importOptions.ts';
import { instrumentsFor } from './instruments.ts';
import { loadBoundModel, nameOfModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFile, checkOutputFolder, writeFolder, writeWhole } from './outputFolder.ts';
import { recipeBudget } from './rangeOptions.ts';
import { loadScheme } from './schemeFile.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface CompileArguments
  extends OptionValues<typeof modelOptions & typeof pipelineOptions & typeof stateOptions & typeof calibrationOptions> {
  readonly target: readonly string[];
  readonly scheme: string | undefined;
  readonly name: string | undefined;
  readonly output: string | undefined;
  readonly weights: string | undefined;
  readonly cpu: string | undefined;
  readonly dispatch: string | undefined;
  readonly border: string | undefined;
  readonly budget: string | undefined;
  readonly front: string | undefined;
  readonly 'single-file': boolean;
  readonly threads: boolean;
  readonly schedules: string | undefined;
  readonly explain: boolean;
}

/** Compiles a model for each target and writes the folders. */
export async function compileModel(path: string, options: CompileArguments, terminal: Terminal): Promise<void> {
  const name = options.name ?? nameOfModel(path);
  const targets = options.target as TargetName[];
  const folders = targets.map((target) => folderOf(target, targets, name, options.output));
  folders.forEach(checkOutputFolder);
  if (options.front !== undefined) checkOutputFile(options.front);
  const scheme = await schemeOf(options);
  const schedules = schedulesOf(options);

  const module = await loadBoundModel(path, options, options.state);
  terminal.crash.module = module;
  const calibration = await calibrationData(module, options, terminal);
  const instruments = instrumentsFor(options, terminal, calibration);
  const common = { instruments: instruments.list, report: terminal.note };
  const points: FrontPoint[] = [];
  const prepared = await prepare(module, {
    ...common,
    front: (point) => points.push(point),
    ...calibrationChoices(options),
    limits: parseLimits(options.allow),
    ...scheme,
    calibration,
    border: (options.border ?? 'float') as Border,
    keepFloat: options['keep-float'],
  });
  const settings = {
    ...common,
    name,
    limits: parseLimits(options.allow),
    ...(options.weights ? { weights: options.weights as WeightsName } : {}),
    ...(options.cpu ? { cpu: options.cpu as CpuName } : {}),
    ...(options.dispatch ? { dispatch: options.dispatch as DispatchName } : {}),
    singleFile: options['single-file'],
    threads: options.threads,
    ...(schedules ? { schedules } : {}),
  };
  // All targets are compiled before the first is written: a failure leaves nothing behind.
  const artifacts: Artifact[] = [];
  for (const target of targets)
    artifacts.push(await compileTarget(prepared, { ...settings, target }, targets, terminal));
  await instruments.finish();
  if (options.front !== undefined) writeFront(options.front, points);
  if (options.explain && !terminal.json) terminal.print(explainText(prepared.explanations));
  artifacts.forEach(({ files }, i) => {
    writeFolder(folders[i] as string, files);
  });
  reportArtifacts(artifacts, folders, options.explain ? { explain: prepared.explanations } : {}, terminal);
}

/** The register tiles of `--schedules`. @throws QcError for a file of another target, or of something else */
function schedulesOf({ schedules, target }: CompileArguments): Schedules | undefined {
  if (schedules === undefined) return undefined;
  const tuning = readTuning(new TextDecoder().decode(readFile(schedules)), schedules);
  if (target.length === 1 && target[0] === tuning.target) return tuning.layers;
  throw new QcError({
    what: `the schedules are for the target ${tuning.target}`,
    where: schedules,
    why: `the program is for ${target.join(', ')}`,
    help: `compile for ${tuning.target} alone, or tune for the other target`,
  });
}

/** @throws UsageError without a budget */
function writeFront(path: string, points: readonly FrontPoint[]): void {
  if (points.length === 0) throw new UsageError('--front draws budgets', 'give one, such as --budget size=110%');
  writeWhole(path, frontPicture(points));
}

/** What `--scheme` names, with the budget of `--budget`. @throws UsageError | QcError */
async function schemeOf({ scheme, budget }: CompileArguments): Promise<Pick<PrepareOptions, 'scheme'>> {
  if (scheme === undefined) {
    if (budget === undefined) return {};
    throw new UsageError('--budget is for stored weights', 'name a scheme too, such as --scheme w4a16');
  }
  const found = await loadScheme(scheme);
  if (budget === undefined) return { scheme: found };
  return { scheme: checkedRecipe({ ...recipeOf(found), budget: recipeBudget(budget) }, '--budget') };
}

async function compileTarget(
  prepared: Prepared,
  options: CompileOptions,
  targets: readonly TargetName[],
  terminal: Terminal,
): Promise<Artifact> {
  const own = options.target === targets.at(-1) ? prepared : copyPrepared(prepared);
  terminal.crash.module = own.module;
  const artifact = await finish(own, options);
  if (options.target === 'wasm') await checkArtifact(artifact, prepared);
  return artifact;
}

/** Runs a finished artifact on its self-test and on real samples: a program that answers wrongly is never written. */
async function checkArtifact({ files }: Artifact, { selfTest, checks }: Prepared): Promise<void> {
  const instance = await instantiate(files);
  const { inputs: names, tolerance } = selfTest.described;
  for (const { states, inputs, steps, outputs } of [selfTest, ...checks]) {
    const given = Object.fromEntries(names.map(({ name }, i): [string, HostTensor] => [name, inputs[i] as HostTensor]));
    instance.loadState(states);
    for (let step = 1; step < steps; step++) instance.run(given);
    const error = selfTestError(outputs, Object.values(instance.run(given)));
    if (error <= tolerance) continue;
    instance.close();
    throw new InternalError(
      `the compiled program does not answer as the interpreter does: the error is ${error}, ${tolerance} is allowed`,
    );
  }
  instance.close();
}

function folderOf(target: string, targets: readonly string[], name: string, output: string | undefined): string {
  if (output === undefined) return `${name}-${target}`;
  return targets.length > 1 ? join(output, target) : output;
}

/** @param beside goes into the JSON of each artifact */
function reportArtifacts(
  artifacts: readonly Artifact[],
  folders: readonly string[],
  beside: object,
  terminal: Terminal,
): void {
  if (terminal.json) {
    terminal.printJson(artifacts.map(({ manifest }, i) => ({ folder: folders[i], ...manifest, ...beside })));
    return;
  }
  artifacts.forEach(({ manifest, report }, i) => {
    const kept = manifest.stayedFloat.length;
    if (kept > 0) terminal.note(`${kept} operations stayed float: qc inspect ${folders[i]} names them`);
    terminal.note(`wrote ${folders[i]}: ${Object.keys(manifest.files).join(', ')}, manifest.json`);
    terminal.print(artifacts.length > 1 ? `${manifest.target}: ${report}` : report);
  });
}
