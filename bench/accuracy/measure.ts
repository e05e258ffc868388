import { existsSync, readFileSync } from 'node:fs';
import { transform } from '../../src/api/compile.ts';
import { estimate } from '../../src/api/measure/bootstrap.ts';
import { constantBytes, type Runner, runnerFor } from '../../src/api/measure/runner.ts';
import { importOnnx, type Module, QcError, type Recipe, type Sample, type SchemeName } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type Exported, exportedModel } from './exported.ts';
import { Comparison, type Likeness, type Outputs } from './likeness.ts';
import { type Contribution, type Score, sampled, type Task } from './task.ts';

export const modelsFolder = '../shared/models';
export const isPresent = existsSync(modelsFolder);

/** A new module of a task's model. */
export function moduleOf({ name, symbols }: Task): Module {
  return importOnnx(new Uint8Array(readFileSync(`${modelsFolder}/${name}.onnx`)), { ...(symbols && { symbols }) });
}

export interface Accuracy extends Likeness {
  readonly model: string;
  readonly scheme: string;
  readonly samples: number;
  /** The score under the scheme and in float. */
  readonly score?: { readonly title: string; readonly value: number; readonly float: number };
  /**
   * How much better than the peer's row, in points, or in percent of scores that are no shares: the value, and the
   * bound that it exceeds with 95 % confidence. Scheme and float are paired on the same samples, and what the peer has
   * lost against float is as it was reported.
   */
  readonly gain?: { readonly value: number; readonly low: number };
  /** The exported model in onnxruntime beside the compiled program. */
  readonly exported?: Likeness;
  /** Share of the multiply-adds that is computed in integers, and what compilation reported about 16 bits. */
  readonly integerShare: number;
  /** Bytes of all constants. */
  readonly weightsBytes: number;
  readonly notes: readonly string[];
}

export interface MeasureOptions {
  /** Samples of the dev part, spread over it. Default: all. */
  readonly rows?: number | undefined;
  /** Whether the exported model is run too. */
  readonly exports?: boolean | undefined;
}

/** A scheme's program, and what has been seen of it. */
interface Contender {
  readonly scheme: string;
  readonly runner: Runner;
  readonly exported: Exported | undefined;
  readonly integerShare: number;
  readonly weightsBytes: number;
  readonly notes: readonly string[];
  readonly likeness: Comparison;
  readonly exportLikeness: Comparison;
  readonly contributions: Contribution[];
}

/** Measures schemes on a task's dev part beside float, in wasm. */
export async function measure(
  task: Task,
  schemes: readonly (SchemeName | Recipe)[],
  { rows, exports = false }: MeasureOptions = {},
): Promise<Accuracy[]> {
  const calibration = [...task.calibration()];
  const contenders: Contender[] = [];
  for (const scheme of ['float' as const, ...schemes])
    contenders.push(await contend(task, scheme, calibration, exports));
  const [float, ...others] = contenders as [Contender, ...Contender[]];
  const samples = sampled(task, rows);
  for (const { sample, index } of samples) {
    const reference = copied(task, float.runner.run(sample.inputs));
    for (const one of contenders) {
      const outputs = one === float ? reference : copied(task, one.runner.run(sample.inputs));
      one.likeness.add(reference, outputs, sample.rows);
      const answer = await one.exported?.run(sample.inputs);
      if (answer) one.exportLikeness.add(outputs, answer, sample.rows);
      const judged = outputs[task.outputs[0] as string] as HostTensor;
      if (task.score) one.contributions.push(task.score.contribute(judged, sample, index));
    }
  }
  return others.map((one) => conclude(task, float, one, samples.length));
}

async function contend(
  task: Task,
  scheme: SchemeName | Recipe,
  calibration: readonly Sample[],
  exports: boolean,
): Promise<Contender> {
  const { dims = {}, state = {} } = task;
  const notes: string[] = [];
  const report = (line: string) => notes.push(line);
  const transformed = await transform(moduleOf(task), { scheme, dims, state, calibration, report });
  const weightsBytes = constantBytes(transformed.module);
  const runner = await runnerFor(transformed, report);
  return {
    scheme: transformed.scheme,
    runner,
    exported: exports && scheme !== 'float' ? await exportOf(task, scheme, calibration, report) : undefined,
    integerShare: transformed.work.integerShare,
    weightsBytes,
    notes: notes.filter((line) => / 16 bits$|stays float|runs in the interpreter|^no export/.test(line)),
    likeness: new Comparison(task.outputs),
    exportLikeness: new Comparison(task.outputs),
    contributions: [],
  };
}

/** The exported model; undefined where ONNX cannot say what the scheme made. */
async function exportOf(
  task: Task,
  scheme: SchemeName | Recipe,
  calibration: readonly Sample[],
  report: (line: string) => void,
): Promise<Exported | undefined> {
  try {
    return await exportedModel(task, moduleOf(task), scheme, calibration);
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    report(`no export: ${error.diagnostic.what}`);
    return undefined;
  }
}

const copied = ({ outputs }: Task, given: Outputs): Outputs =>
  Object.fromEntries(
    outputs.map((name) => {
      const tensor = given[name] as HostTensor;
      return [name, { ...tensor, data: tensor.data.slice() }];
    }),
  );

function conclude(task: Task, float: Contender, one: Contender, samples: number): Accuracy {
  const { scheme, contributions, integerShare, weightsBytes, notes } = one;
  return {
    model: task.name,
    scheme,
    samples,
    ...one.likeness.likeness,
    ...(task.score && scored(task, task.score, contributions, float.contributions)),
    ...(one.exported && { exported: one.exportLikeness.likeness }),
    integerShare,
    weightsBytes,
    notes,
  };
}

function scored(
  { peer }: Task,
  { title, unit, better, conclude: concluded }: Score,
  own: readonly Contribution[],
  float: readonly Contribution[],
): Pick<Accuracy, 'score' | 'gain'> {
  const [value, reference] = [concluded(own), concluded(float)];
  const score = { title, value, float: reference };
  if (!peer?.score) return { score };
  const sign = better === 'more' ? 100 : -100;
  const points = (difference: number) => (sign * difference) / (unit === 'share' ? 1 : reference);
  const lead = points(peer.score.float - peer.score.value);
  const pairs = own.map((mine, i) => ({ mine, theirs: float[i] as Contribution }));
  const { value: found, low } = estimate(
    pairs,
    (drawn) => points(concluded(drawn.map(({ mine }) => mine)) - concluded(drawn.map(({ theirs }) => theirs))),
    1,
    0.9,
  );
  return { score, gain: { value: found + lead, low: low + lead } };
}
