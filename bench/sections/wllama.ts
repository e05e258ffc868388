import { compile } from '../../src/index.ts';
import { bytesOfTensor } from '../../src/support/tensor.ts';
import { browserPath, withPage } from '../../test/browser.ts';
import type { Size } from '../cases/matmul.ts';
import { nbitsMatmul } from '../cases/nbits.ts';
import { interleave } from '../interleave.ts';
import { ortNode } from '../peers/ortNode.ts';
import { type ProductsModel, productsModel, productsOfToken } from '../peers/wllama/model.ts';
import { pageRunners, release, token, wllamaSite } from '../peers/wllama/page.ts';
import { onlyOutput, type Runner } from '../runner.ts';
import { rounds, type Section, type SectionResult } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';

const row: Size = { rows: 1, depth: 4096, columns: 4096 };
/** Bytes of its weights in Q4_0: 18 for 32 of them. */
const bytes = (row.depth * row.columns * 18) / 32;

const unmeasured = (why: string): SectionResult => ({ text: `Not measured: ${why}.`, figures: {} });

/** What is wrong with wllama's chances of what follows the token, given the model's scores. */
function chancesError(chances: ArrayLike<number>, { scores }: ProductsModel): string | undefined {
  const expected = scores(token);
  const mean = (of: Float64Array) => of.reduce((sum, one) => sum + one, 0) / of.length;
  const centred = (of: Float64Array) => of.map((one) => one - mean(of));
  const size = (of: Float64Array) => Math.sqrt(mean(of.map((one) => one ** 2)));
  const wanted = centred(expected);
  const found = centred(Float64Array.from(chances, Math.log));
  const error = size(wanted.map((one, i) => one - (found[i] as number))) / size(wanted);
  return error <= 0.03 ? undefined : `its scores are off by ${error} of their size`;
}

/** A row by 4-bit weights in Chromium, beside the library that runs models of llama.cpp in pages. */
export const wllama: Section = {
  name: 'wllama',
  title: 'A row by 4-bit weights in Chromium',
  async measure(effort) {
    if (!browserPath) return unmeasured('there is no Chromium here');
    console.error('measuring a row by weights of 4 bits in Chromium …');
    const one = nbitsMatmul(row, 'w4a8');
    const model = productsModel(row.depth);
    const { files } = await compile(one.module(), { target: 'wasm', scheme: one.scheme });
    const site = wllamaSite(model.bytes, bytesOfTensor(one.input), files);
    if (!site) return unmeasured(`${release} can't be had here`);
    const inputs = { x: one.input };
    const result = async (runner: Runner) => onlyOutput(await runner.run(inputs));
    const expected = (await result(await ortNode({ bytes: one.onnx }))).slice();
    const taken = await withPage(site, async (page) => {
      const { own, peer } = await pageRunners(page);
      const wrong = [chancesError((await result(peer)) as Float32Array, model)];
      for (const runner of own) wrong.push(one.error(await result(runner), expected));
      const error = wrong.find((found) => found !== undefined);
      if (error) throw new Error(`${one.name} in Chromium: wrong results are not timed: ${error}`);
      const runners = [peer, ...own];
      const all = await interleave(runners, inputs, rounds(effort));
      return runners.map(({ name }, i) => ({ name, all: all[i] as number[] }));
    });
    const [peer, ...own] = taken as [(typeof taken)[number], ...typeof taken];
    const figures: Record<string, Spread> = {};
    const rows = taken.map(({ name, all }) => {
      const over = ratio(peer.all, all);
      if (own.some((one) => one.name === name)) figures[`4-bit matvec, ${name}, over wllama`] = over;
      const { median } = spread(all);
      return [name, number(median), number(bytes / median / 1e6), name === peer.name ? '–' : times(over)];
    });
    const header = ['4096², groups of 32', 'ms', 'GB/s of codes and 16-bit scales', 'over wllama'];
    const note = `wllama runs whole models: here a decoder whose token is ${productsOfToken} rows by matrices of 4096², without past tokens. Of its time a share is taken as that of one, with norms, activation functions and messages to its worker, which are about a fiftieth. qc runs ${productsOfToken} programs in turn in the same page, each with weights of its own.`;
    return { text: [markdown(header, rows), note].join('\n\n'), figures };
  },
};
