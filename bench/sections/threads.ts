import { instantiateWasm } from '../../backends/wasm/host.ts';
import type { ThreadedModel } from '../../runtime/threads.ts';
import type { SchemeName } from '../../src/index.ts';
import { interleave } from '../interleave.ts';
import { benchModel, modelNames } from '../models.ts';
import { compileFor } from '../qc.ts';
import type { Inputs, Outputs, Runner } from '../runner.ts';
import { rounds, type Section } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';

const schemes: readonly SchemeName[] = ['float', 'w8a8'];
const defaultModels = ['resnet8_cifar10', 'mbnet128_0.25_f', 'ultraface_RFB_320', 'yolox_nano_416'];

function runnerOf(model: ThreadedModel): Runner {
  return {
    name: `${model.threads} threads`,
    run: (inputs) => model.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]))),
    close: () => model.close(),
  };
}

/** Bytes of all outputs, to be compared. */
const bytesOf = (outputs: Outputs) =>
  Object.values(outputs).map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(new Uint8Array(buffer, byteOffset, byteLength)),
  );

/** Two threads beside one: large models gain, small ones must not lose. */
export const threads: Section = {
  name: 'threads',
  title: 'Two threads',
  async measure(effort, chosen) {
    const figures: Record<string, Spread> = {};
    const rows: string[][] = [];
    for (const name of chosen ?? defaultModels.filter((one) => modelNames().includes(one))) {
      console.error(`measuring ${name} on two threads …`);
      const model = benchModel(name);
      const inputs = model.samples[0] as Inputs;
      for (const scheme of schemes) {
        const { files } = (await compileFor('wasm', model, scheme, { threads: true })).artifact;
        const pair: Runner[] = [];
        for (const threads of [1, 2]) pair.push(runnerOf((await instantiateWasm(files, { threads })) as ThreadedModel));
        const [one, two] = (await Promise.all(pair.map((runner) => runner.run(inputs)))).map(bytesOf);
        if (!one?.every((bytes, i) => bytes.equals(two?.[i] as Buffer)))
          throw new Error(`${name}, ${scheme}: two threads give other bytes than one`);
        const [alone = [], together = []] = await interleave(pair, inputs, rounds(effort));
        for (const runner of pair) runner.close?.();
        const over = ratio(alone, together);
        figures[`${name} ${scheme}, two threads over one`] = over;
        rows.push([name, scheme, number(spread(alone).median), number(spread(together).median), times(over)]);
      }
    }
    const least = Math.min(...Object.values(figures).map(({ median }) => median));
    figures['two threads over one, least'] = { median: least, low: least, high: least };
    const note = 'A model of fixed sizes times its first runs both ways and goes on the faster one.';
    const header = ['model', 'scheme', 'one thread ms', 'two ms', 'faster'];
    return { text: `${note}\n\n${markdown(header, rows)}`, figures };
  },
};
