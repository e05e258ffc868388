import { instantiateWasm } from '../../backends/wasm/host.ts';
import { compile } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { agreement } from '../agreement.ts';
import { interleave } from '../interleave.ts';
import { benchModel, modelNames } from '../models.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import type { Runner } from '../runner.ts';
import { rounds, type Section } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { kib, markdown, number, times } from '../table.ts';

const name = 'stories260K';
const lengths = [16, 64, 256, 512];

function tokens(length: number): HostTensor {
  return {
    dtype: 'i64',
    shape: [1, length],
    data: BigInt64Array.from({ length }, (_, i) => BigInt(1 + ((i * 37) % 500))),
  };
}

/** A language model over whole sequences: how time grows with their length. */
export const sequenceLengths: Section = {
  name: 'lengths',
  title: 'Length of a sequence',
  async measure(effort) {
    if (!modelNames().includes(name)) return { text: `Not measured: ${name} is not here.`, figures: {} };
    const model = benchModel(name);
    const web = await ortWeb(model.onnx);
    const figures: Record<string, Spread> = {};
    const rows: string[][] = [];
    for (const length of lengths) {
      console.error(`measuring ${length} tokens …`);
      const inputs = { input_ids: tokens(length) };
      const dims = Object.fromEntries(Object.keys(model.dims).map((dim, i) => [dim, i === 0 ? 1 : length]));
      const begun = performance.now();
      const { files, manifest } = await compile(model.module(), { target: 'wasm', dims });
      const compiled = performance.now() - begun;
      const program = await instantiateWasm(files);
      const own: Runner = { name: 'qc', run: () => program.run({ input_ids: inputs.input_ids.data }) };
      const { error } = agreement([await own.run(inputs)], [await web.run(inputs)]);
      if (!(error <= 1e-3)) throw new Error(`${length} tokens: wrong results are not timed: ${error} of the range`);
      const [peer = [], mine = []] = await interleave([web, own], inputs, rounds(effort));
      const over = ratio(peer, mine);
      figures[`${name}, ${length} tokens, float`] = over;
      const middle = spread(mine).median;
      rows.push([
        `${length}`,
        number(middle),
        number((1000 * middle) / length),
        number(spread(peer).median),
        times(over),
        kib(manifest.ramBytes),
        number(compiled / 1000),
      ]);
    }
    const header = ['tokens', 'ms', 'µs a token', 'onnxruntime-web ms', 'faster than it', 'memory', 'compiled in s'];
    return { text: `${name}, float.\n\n${markdown(header, rows)}`, figures };
  },
};
