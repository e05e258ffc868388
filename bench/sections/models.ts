import type { SchemeName } from '../../src/index.ts';
import { type Agreement, agreement } from '../agreement.ts';
import { cBuilds, cRunner } from '../c.ts';
import { interleave } from '../interleave.ts';
import { type BenchModel, benchModel, modelNames } from '../models.ts';
import { ortNode } from '../peers/ortNode.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import { compileFor, exportedFor, qcRunner } from '../qc.ts';
import type { Inputs, Outputs, Runner } from '../runner.ts';
import { type Effort, rounds, type Section } from '../section.ts';
import { geometricMean, ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';

const schemes = ['float', 'w8a8'] as const satisfies readonly SchemeName[];

/** Errors up to here, as a share of an output's range, are the order of float sums. */
const floatTolerance = 1e-3;
/** No sane quantization in 8 bits is below. */
const leastSnr = 5;

/** One way of running a model. */
interface Way {
  readonly scheme: SchemeName;
  /** `relaxed`, `baseline`, or how the C was compiled. */
  readonly path: string;
  readonly runner: Runner;
  readonly agreement: Agreement;
}

async function outputsOf(runner: Runner, samples: readonly Inputs[]): Promise<Outputs[]> {
  const all: Outputs[] = [];
  for (const inputs of samples) {
    const outputs = await runner.run(inputs);
    all.push(Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, data.slice()])));
  }
  return all;
}

/** Everything that qc makes of a model, its results checked; a line for each way that there is not. */
async function waysOf(model: BenchModel, expected: readonly Outputs[]): Promise<{ ways: Way[]; skipped: string[] }> {
  const ways: Way[] = [];
  const skipped: string[] = [];
  const add = async (scheme: SchemeName, path: string, make: () => Promise<Runner>) => {
    let runner: Runner;
    try {
      runner = await make();
    } catch (error) {
      skipped.push(`${model.name}, ${scheme} ${path}: ${(error as Error).message}`);
      return;
    }
    const found = agreement(await outputsOf(runner, model.samples), expected);
    if (!(scheme === 'float' ? found.error <= floatTolerance : found.snr >= leastSnr)) {
      throw new Error(
        `${model.name}, ${scheme} ${path}: wrong results are not timed: error ${found.error} of the range, ${found.snr} dB`,
      );
    }
    ways.push({ scheme, path, runner, agreement: found });
  };
  for (const scheme of schemes) {
    const wasm = await compileFor('wasm', model, scheme);
    for (const path of ['relaxed', 'baseline'] as const) await add(scheme, path, () => qcRunner(wasm, path));
    const { files, manifest } = (await compileFor('c', model, scheme)).artifact;
    for (const [path, flags] of Object.entries(cBuilds)) {
      await add(scheme, path, async () => {
        if (!manifest.c) throw new Error('this model has no C');
        return cRunner(`qc ${scheme} ${path}`, { files, signature: manifest.c }, flags);
      });
    }
  }
  return { ways, skipped };
}

/** Peers by what they compute on, the float ones always. */
interface Peers {
  readonly web: Runner;
  readonly node: Runner;
  /** onnxruntime-web on the same 8-bit numbers, where the model has a QDQ form. */
  readonly webInt8: Runner | undefined;
}

async function peersOf(model: BenchModel, skipped: string[]): Promise<Peers> {
  const [web, node] = [await ortWeb(model.onnx), await ortNode(model.onnx)];
  try {
    const webInt8 = await ortWeb({ bytes: await exportedFor(model, 'w8a8') });
    await webInt8.run(model.samples[0] as Inputs);
    return { web, node, webInt8 };
  } catch (error) {
    skipped.push(`${model.name}, onnxruntime-web in 8 bits: ${(error as Error).message.split('\n')[0]}`);
    return { web, node, webInt8: undefined };
  }
}

interface Timed {
  readonly model: string;
  readonly way: Omit<Way, 'runner'>;
  readonly time: Spread;
  readonly overWeb: Spread;
  /** Against the faster of its float and 8 bits. */
  readonly overBestWeb: Spread;
  readonly overNode: Spread;
}

interface ModelTimes {
  readonly timed: readonly Timed[];
  readonly peers: readonly (string | undefined)[];
  readonly skipped: readonly string[];
}

async function timeModel(model: BenchModel, effort: Effort): Promise<ModelTimes> {
  const notes: string[] = [];
  const { web, node, webInt8 } = await peersOf(model, notes);
  const { ways, skipped } = await waysOf(model, await outputsOf(node, model.samples));
  const runners = [web, node, ...(webInt8 ? [webInt8] : []), ...ways.map(({ runner }) => runner)];
  const all = await interleave(runners, model.samples[0] as Inputs, {
    ...rounds(effort),
    mostMilliseconds: effort.modelMilliseconds,
  });
  for (const { runner } of ways) runner.close?.();
  const timesOf = (runner: Runner) => all[runners.indexOf(runner)] as number[];
  const middle = (runner: Runner | undefined) => (runner ? spread(timesOf(runner)).median : Number.POSITIVE_INFINITY);
  const best = webInt8 && middle(webInt8) < middle(web) ? webInt8 : web;
  const timed = ways.map(({ runner, ...way }) => {
    const own = timesOf(runner);
    const [overWeb, overBestWeb, overNode] = [web, best, node].map((peer) => ratio(timesOf(peer), own)) as [
      Spread,
      Spread,
      Spread,
    ];
    return { model: model.name, way, time: spread(own), overWeb, overBestWeb, overNode };
  });
  const peers = [web, webInt8, node].map((peer) => peer && number(middle(peer)));
  return { timed, peers, skipped: [...notes, ...skipped] };
}

type Peer = 'overWeb' | 'overBestWeb' | 'overNode';

const peerNames: Readonly<Record<Peer, string>> = {
  overWeb: 'onnxruntime-web float',
  overBestWeb: "onnxruntime-web's best",
  overNode: 'onnxruntime-node float',
};

/** Geometric mean, with the least and the greatest in place of quartiles. */
function over(all: readonly Timed[], scheme: SchemeName, path: string, peer: Peer): Spread | undefined {
  const own = all.filter(({ way }) => way.scheme === scheme && way.path === path).map((one) => one[peer].median);
  if (own.length === 0) return undefined;
  return { median: geometricMean(own), low: Math.min(...own), high: Math.max(...own) };
}

/** Whole models in every way beside both of onnxruntime's builds, in turns. */
export const models: Section = {
  name: 'models',
  title: 'Whole models',
  async measure(effort, chosen) {
    const results: ModelTimes[] = [];
    const failed: string[] = [];
    for (const name of chosen ?? modelNames()) {
      console.error(`measuring ${name} …`);
      try {
        results.push(await timeModel(benchModel(name), effort));
      } catch (error) {
        failed.push(`${name}: ${(error as Error).message}`);
      }
    }
    const all = results.flatMap(({ timed }) => timed);
    const ways = [...new Map(all.map(({ way }) => [`${way.scheme} ${way.path}`, way])).values()];
    const rows = results.map(({ timed, peers }) => [
      timed[0]?.model ?? '',
      ...ways.map((way) => {
        const one = timed.find((t) => t.way.scheme === way.scheme && t.way.path === way.path);
        return one ? number(one.time.median) : '–';
      }),
      ...peers.map((peer) => peer ?? '–'),
      timed.find(({ way }) => way.scheme === 'w8a8')?.way.agreement.snr.toFixed(1) ?? '–',
    ]);
    const header = [
      'ms a run',
      ...ways.map(({ scheme, path }) => `${scheme} ${path}`),
      'onnxruntime-web float',
      'onnxruntime-web w8a8',
      'onnxruntime-node float',
      'w8a8 dB',
    ];
    const figures: Record<string, Spread> = {};
    const means: string[][] = [];
    for (const { scheme, path } of ways) {
      for (const peer of Object.keys(peerNames) as Peer[]) {
        const mean = over(all, scheme, path, peer);
        if (!mean) continue;
        figures[`${scheme} ${path} over ${peerNames[peer]}, geometric mean`] = mean;
        figures[`${scheme} ${path} over ${peerNames[peer]}, least`] = {
          median: mean.low,
          low: mean.low,
          high: mean.low,
        };
        means.push([`${scheme} ${path}`, peerNames[peer], times(mean)]);
      }
      for (const { model, way, overNode, overBestWeb } of all) {
        if (way.scheme !== scheme || way.path !== path) continue;
        figures[`${model}, ${scheme} ${path} over onnxruntime-node float`] = overNode;
        figures[`${model}, ${scheme} ${path} over onnxruntime-web's best`] = overBestWeb;
      }
    }
    const skipped = [...failed, ...results.flatMap((one) => one.skipped)].map((line) => `- ${line}`);
    const text = [
      markdown(header, rows),
      'Geometric means over these models (least–greatest):',
      markdown(['qc', 'faster than', 'by'], means),
      ...(skipped.length > 0 ? [`Not measured:\n\n${skipped.join('\n')}`] : []),
    ];
    return { text: text.join('\n\n'), figures, failed };
  },
};
