import type { SchemeName } from '../src/index.ts';
import { type Agreement, agreement, outputsOf } from './agreement.ts';
import { cBuilds, cRunner } from './c.ts';
import { type FirstAnswers, firstAnswers } from './firstAnswer/measure.ts';
import { interleave } from './interleave.ts';
import type { BenchModel } from './models.ts';
import { ortNode } from './peers/ortNode.ts';
import { ortWeb } from './peers/ortWeb.ts';
import { type Compiled, compileFor, type InstructionPath, qcRunner } from './qc.ts';
import type { Runner } from './runner.ts';
import { ortWebSizes, type Sizes, sizesOf } from './sizes.ts';
import { ratio, type Spread, spread } from './stats.ts';

/** One way of running a model: milliseconds a run, and how many times as long the peers took. */
export interface Timed {
  readonly scheme: SchemeName;
  readonly path: InstructionPath | keyof typeof cBuilds;
  readonly time: Spread;
  readonly overOrtWeb: Spread;
  readonly overOrtNode: Spread;
  /** Against onnxruntime-node in float. */
  readonly agreement: Agreement;
}

export interface ModelResult {
  readonly model: string;
  readonly classifies: boolean;
  readonly ortWeb: Spread;
  readonly ortNode: Spread;
  readonly timed: readonly Timed[];
  /** Why an instruction path was left out, if one was. */
  readonly skipped: readonly string[];
  readonly compileMilliseconds: Readonly<Partial<Record<SchemeName, number>>>;
  readonly sizes: Readonly<Record<string, Sizes>>;
  readonly firstAnswer: FirstAnswers;
}

export interface Effort {
  readonly rounds: number;
  readonly sliceMilliseconds: number;
  readonly processes: number;
}

/** Errors up to here, as a share of the output's range, are the order of float sums. */
const floatTolerance = 1e-4;
/** No sane quantization in 8 bits is below. */
const leastSnr = 10;

function checkResults(name: string, scheme: SchemeName, { error, snr }: Agreement): void {
  if (scheme === 'float' ? error <= floatTolerance : snr >= leastSnr) return;
  throw new Error(`${name}: wrong results are not timed: error ${error} of the range, ${snr} dB`);
}

/** Compiles a model, checks its results, then times it beside the peers. */
export async function measureModel(
  model: BenchModel,
  schemes: readonly SchemeName[],
  { rounds, sliceMilliseconds, processes }: Effort,
): Promise<ModelResult> {
  const rows = model.rows('dev');
  const peers = [await ortWeb(model.bytes), await ortNode(model.bytes)] as const;
  const expected = await outputsOf(peers[1], rows);
  const compiled = new Map<SchemeName, Compiled>();
  for (const scheme of schemes) compiled.set(scheme, await compileFor('wasm', model, scheme));

  const own: { scheme: SchemeName; path: Timed['path']; runner: Runner; agreement: Agreement }[] = [];
  const skipped: string[] = [];
  for (const [scheme, program] of compiled) {
    for (const path of ['baseline', 'relaxed'] as const) {
      const runner = await qcRunner(model, program, path).catch((error: Error) => error.message);
      if (typeof runner === 'string') {
        skipped.push(`${scheme} ${path}: ${runner}`);
        continue;
      }
      const found = agreement(await outputsOf(runner, rows), expected);
      checkResults(`${model.name}, ${runner.name}`, scheme, found);
      own.push({ scheme, path, runner, agreement: found });
    }
  }

  for (const scheme of schemes) {
    const { files, manifest } = (await compileFor('c', model, scheme)).artifact;
    if (!manifest.c) continue;
    for (const [path, flags] of Object.entries(cBuilds) as [keyof typeof cBuilds, readonly string[]][]) {
      const runner = await cRunner(`qc ${scheme} ${path}`, { files, signature: manifest.c }, flags).catch(
        (error: Error) => error.message,
      );
      if (typeof runner === 'string') {
        skipped.push(`${scheme} ${path}: ${runner}`);
        continue;
      }
      const found = agreement(await outputsOf(runner, rows), expected);
      checkResults(`${model.name}, ${runner.name}`, scheme, found);
      own.push({ scheme, path, runner, agreement: found });
    }
  }

  const runners = [...peers, ...own.map(({ runner }) => runner)];
  const options = { rounds, sliceMilliseconds, warmUpMilliseconds: 2 * sliceMilliseconds };
  const [web = [], node = [], ...times] = await interleave(runners, rows[0] as (typeof rows)[number], options);
  for (const { runner } of own) runner.close?.();
  return {
    model: model.name,
    classifies: model.classifies,
    ortWeb: spread(web),
    ortNode: spread(node),
    timed: own.map(({ scheme, path, agreement: found }, i) => {
      const mine = times[i] as number[];
      const [overOrtWeb, overOrtNode] = [ratio(web, mine), ratio(node, mine)];
      return { scheme, path, time: spread(mine), overOrtWeb, overOrtNode, agreement: found };
    }),
    skipped,
    compileMilliseconds: Object.fromEntries([...compiled].map(([scheme, { milliseconds }]) => [scheme, milliseconds])),
    sizes: {
      'onnxruntime-web': ortWebSizes(model),
      ...Object.fromEntries([...compiled].map(([scheme, { artifact }]) => [`qc ${scheme}`, sizesOf(artifact)])),
    },
    firstAnswer: firstAnswers(
      model,
      rows[0] as (typeof rows)[number],
      [...compiled.values()].map(({ artifact }) => artifact),
      processes,
    ),
  };
}
