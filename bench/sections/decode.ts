import { instantiateWasm } from '../../backends/wasm/host.ts';
import { highest } from '../../runtime/sampling.ts';
import { compile, type SchemeName, type States } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { interleave } from '../interleave.ts';
import { benchModel, modelNames } from '../models.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import type { Inputs, Outputs, Runner } from '../runner.ts';
import { rounds, type Section } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';

const name = 'stories260K_kv';
const schemes: readonly SchemeName[] = ['float', 'w8a16', 'w8a8-dynamic', 'w4a8'];
/** Tokens of a text, one a run, each the likeliest one; the first begins the text. */
const length = 64;
const layers = [0, 1, 2, 3, 4];
const caches = layers.flatMap((layer) => [`k_${layer}`, `v_${layer}`]);
const [heads, width] = [4, 8];

const token = (id: number): HostTensor => ({ dtype: 'i64', shape: [1, 1], data: BigInt64Array.of(BigInt(id)) });

/** A run is a whole text: `step` gives the scores behind a token, at a place. */
function teller(name: string, step: (id: number, at: number) => Promise<Float32Array>): Runner {
  return {
    name,
    async run(): Promise<Outputs> {
      const text = [1];
      for (let at = 0; at < length; at++) text.push(highest(await step(text[at] as number, at)));
      return { text: Int32Array.from(text) };
    },
  };
}

/** onnxruntime takes the cache and gives a longer one. */
function handingBack(peer: Runner): Runner {
  let past: Inputs = {};
  return teller(peer.name, async (id, at) => {
    if (at === 0) past = {};
    const shape = [1, heads, at, width];
    const empty: HostTensor = { dtype: 'f32', shape, data: new Float32Array(0) };
    const begun = Object.fromEntries(caches.map((cache) => [`past_${cache}`, empty]));
    const results = await peer.run({ input_ids: token(id), ...(at === 0 ? begun : past) });
    past = Object.fromEntries(
      caches.map((cache): [string, HostTensor] => {
        const data = results[`present_${cache}`] as Float32Array;
        return [`past_${cache}`, { dtype: 'f32', shape: [1, heads, at + 1, width], data }];
      }),
    );
    return results.logits as Float32Array;
  });
}

async function own(scheme: SchemeName): Promise<Runner> {
  const state: States = Object.fromEntries(
    caches.map((cache) => [`present_${cache}`, { input: `past_${cache}`, append: { axis: 2, max: 512 } }]),
  );
  const { files } = await compile(benchModel(name).module(), { target: 'wasm', scheme, dims: { T: 1 }, state });
  const program = await instantiateWasm(files);
  const ids = program.views.inputs.input_ids as BigInt64Array;
  return teller(`qc ${scheme}`, async (id, at) => {
    if (at === 0) program.reset();
    ids[0] = BigInt(id);
    program.execute();
    return program.views.outputs.logits as Float32Array;
  });
}

/** A decoder that keeps its cache, token by token. */
export const decode: Section = {
  name: 'decode',
  title: 'Decoding, token by token',
  async measure(effort) {
    if (!modelNames().includes(name)) return { text: `Not measured: ${name} is not here.`, figures: {} };
    console.error(`measuring ${name} …`);
    const peer = handingBack(await ortWeb(benchModel(name).onnx));
    const runners = [peer, ...(await Promise.all(schemes.map(own)))];
    const wanted = (await peer.run({})).text;
    const texts = await Promise.all(runners.map((runner) => runner.run({})));
    if (`${texts[1]?.text}` !== `${wanted}`) throw new Error('another text than the peer’s is not timed');
    const all = await interleave(runners, {}, rounds(effort));
    const perSecond = (ms: readonly number[]) => number((1000 * length) / spread(ms).median);
    const figures: Record<string, Spread> = {};
    const rows = runners.map((runner, i) => {
      const over = ratio(all[0] as number[], all[i] as number[]);
      if (i > 0) figures[`${name}, ${runner.name}, over onnxruntime-web`] = over;
      const same = texts[i]?.text as Int32Array;
      const agreed = same.findIndex((id, at) => id !== wanted?.[at]);
      return [runner.name, perSecond(all[i] as number[]), times(over), `${agreed < 0 ? length : agreed - 1}`];
    });
    const header = ['runtime', 'tokens a second', 'faster than onnxruntime-web', `tokens of its text, of ${length}`];
    return { text: `${name}, greedy, from an empty cache.\n\n${markdown(header, rows)}`, figures };
  },
};
