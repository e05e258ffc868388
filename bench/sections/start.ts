import type { SchemeName } from '../../src/index.ts';
import { agreement } from '../agreement.ts';
import { type Starts, startAll } from '../firstAnswer/measure.ts';
import { benchModel, modelNames } from '../models.ts';
import { type Compiled, compileFor } from '../qc.ts';
import type { Inputs } from '../runner.ts';
import { limitOf, type Section } from '../section.ts';
import { gzippedWeights, ortWebSizes, type Sizes, sizesOf } from '../sizes.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { kib, markdown, number, times } from '../table.ts';

const schemes: readonly SchemeName[] = ['float', 'w8a8'];
const defaultModels = ['mbnet128_0.25_f', 'resnet8_cifar10', 'stories260K', 'ppocr_cls'];

/** Wrong answers are not timed: far apart means wrong, whatever the scheme. */
const leastSnr = 5;

/** Bytes to ship, time from files to the first answer and the memory of a session, beside onnxruntime-web. */
export const start: Section = {
  name: 'start',
  title: 'Start, size and memory',
  async measure({ processes }, chosen) {
    const figures: Record<string, Spread> = {};
    const rows: string[][] = [];
    for (const name of chosen ?? defaultModels.filter((one) => modelNames().includes(one))) {
      console.error(`starting ${name} …`);
      const model = benchModel(name);
      const compiled: Compiled[] = [];
      const weights: number[] = [];
      for (const scheme of schemes) {
        compiled.push(await compileFor('wasm', model, scheme));
        weights.push(gzippedWeights((await compileFor('wasm', model, scheme, { weights: 'external' })).artifact));
      }
      const artifacts = compiled.map(({ artifact }) => artifact);
      const programs = [{ onnx: model.onnx.bytes }, ...artifacts.map((artifact) => ({ artifact }))];
      const [web, ...own] = startAll(programs, model.samples[0] as Inputs, processes) as [Starts, ...Starts[]];
      const webSizes = ortWebSizes(model);
      const row = (runtime: string, starts: Starts, sizes: Sizes, over: readonly string[], compiled?: number) => [
        `${name}, ${kib(model.onnx.bytes.length)}`,
        runtime,
        number(spread(starts.milliseconds).median),
        kib(spread(starts.residentBytes).median),
        kib(sizes.code + sizes.script),
        kib(sizes.weights),
        kib(sizes.gzipped),
        ...over,
        compiled === undefined ? '–' : number(compiled / 1000),
      ];
      rows.push(row('onnxruntime-web', web, webSizes, ['–', '–', '–']));
      own.forEach((starts, i) => {
        const scheme = schemes[i] as SchemeName;
        const values = (of: Starts) => [{ y: Float32Array.from(of.values) }];
        const { snr } = agreement(values(starts), values(web));
        if (!(snr >= leastSnr)) throw new Error(`${name}, ${scheme}: wrong results are not timed: ${snr} dB`);
        const sizes = sizesOf(artifacts[i] as (typeof artifacts)[number]);
        const bytes = webSizes.gzipped / sizes.gzipped;
        const ratios = [
          ratio(web.milliseconds, starts.milliseconds),
          ratio(web.residentBytes, starts.residentBytes),
          { median: bytes, low: bytes, high: bytes },
        ] as const;
        figures[`${name} ${scheme}: first answer`] = ratios[0];
        figures[`${name} ${scheme}: memory`] = ratios[1];
        figures[`${name} ${scheme}: bytes to ship`] = ratios[2];
        const most = webSizes.gzipped / (weights[i] as number);
        figures[limitOf(`${name} ${scheme}: bytes to ship`)] = { median: most, low: most, high: most };
        const over = [times(ratios[0]), times(ratios[1]), `${number(bytes)}×`];
        rows.push(row(`qc ${scheme}`, starts, sizes, over, compiled[i]?.milliseconds));
      });
    }
    const header = [
      'model, as ONNX',
      'runtime',
      'first answer ms',
      'memory',
      'code',
      'weights',
      'all, gzipped',
      'sooner',
      'less memory',
      'fewer bytes',
      'compiled in s',
    ];
    const note =
      'Each in a process of its own, from files on disk; memory is the resident set after the first answer, beyond that of a process that loads nothing.';
    return { text: `${note}\n\n${markdown(header, rows)}`, figures };
  },
};
