import { readFileSync } from 'node:fs';
import { compile } from '../../src/index.ts';
import { bytesOfTensor, type HostTensor } from '../../src/support/tensor.ts';
import { browserPath, withPage } from '../../test/browser.ts';
import { agreement } from '../agreement.ts';
import { benchModel, modelNames } from '../models.ts';
import type { Section } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';

const defaultModels = ['resnet8_cifar10', 'mbnet128_0.25_f'];

/** What the page finds: milliseconds to the first answer, then a number a round, and the answers. */
interface Measured {
  readonly first: readonly [peer: number, own: number];
  readonly peer: readonly number[];
  readonly own: readonly number[];
  readonly answers: readonly [peer: readonly number[], own: readonly number[]];
}

/** Runs both runtimes on WebGPU in turns; results come back to the page each time. */
const script = (name: string, shape: readonly number[], rounds: number) => `
import * as ort from './ort.webgpu.bundle.min.mjs';
import { load } from './model.js';
const x = new Float32Array(await (await fetch('input.bin')).arrayBuffer());
ort.env.logLevel = 'error';
const timed = async (work) => { const start = performance.now(); const value = await work(); return [performance.now() - start, value]; };
const input = ${JSON.stringify(name)};
const shape = ${JSON.stringify(shape)};
let session, model;
const peer = async () => (await session.run({ [input]: new ort.Tensor('float32', x, shape) }))[session.outputNames[0]].data;
const own = async () => Object.values(await model.run({ [input]: x }))[0];
const [firstPeer, a] = await timed(async () => {
  session = await ort.InferenceSession.create('model.onnx', { executionProviders: ['webgpu'] });
  return peer();
});
const [firstOwn, b] = await timed(async () => { model = await load(); return own(); });
const times = [[], []];
for (let round = 0; round < ${rounds}; round++) {
  for (const [i, run] of [peer, own].entries()) times[i].push((await timed(run))[0]);
}
globalThis.measured = { first: [firstPeer, firstOwn], peer: times[0], own: times[1], answers: [Array.from(a), Array.from(b)] };
`;

async function measureModel(name: string, rounds: number): Promise<Measured> {
  const model = benchModel(name);
  const { files } = await compile(model.module(), { target: 'wgsl', dims: model.dims });
  const [[input, x]] = Object.entries(model.samples[0] ?? {}) as [[string, HostTensor]];
  const dist = new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url);
  return withPage(
    (path) => {
      if (path === 'index.html')
        return `<!doctype html><link rel="icon" href="data:,"><script type="module">${script(input, x.shape, rounds)}</script>`;
      if (path === 'input.bin') return bytesOfTensor(x);
      if (path === 'model.onnx') return model.onnx.bytes;
      return path.startsWith('ort') ? readFileSync(new URL(path, dist)) : files.get(path);
    },
    async (page) => {
      const found = await page.waitForFunction('globalThis.measured', undefined, { timeout: 600_000 });
      return (await found.jsonValue()) as Measured;
    },
  );
}

/** WebGPU in Chromium on the adapter that there is, which may well be the CPU, beside onnxruntime-web's. */
export const webgpu: Section = {
  name: 'webgpu',
  title: 'WebGPU in Chromium',
  async measure({ rounds }, chosen) {
    if (!browserPath) return { text: 'Not measured: there is no Chromium here.', figures: {} };
    const figures: Record<string, Spread> = {};
    const rows: string[][] = [];
    for (const name of chosen ?? defaultModels.filter((one) => modelNames().includes(one))) {
      console.error(`measuring ${name} in Chromium …`);
      const { first, peer, own, answers } = await measureModel(name, rounds);
      const [expected, found] = answers.map((values) => [{ y: Float32Array.from(values) }]);
      const { error } = agreement(found ?? [], expected ?? []);
      if (!(error <= 1e-3)) throw new Error(`${name} on WebGPU: wrong results are not timed: ${error} of the range`);
      const over = ratio(peer, own);
      figures[`${name}, WebGPU float`] = over;
      const cells = [spread(own).median, spread(peer).median, first[1], first[0]].map(number);
      rows.push([name, ...cells.slice(0, 2), times(over), ...cells.slice(2)]);
    }
    const header = ['float', 'ms', 'onnxruntime-web ms', 'faster than it', 'first answer ms', 'onnxruntime-web ms'];
    const note = 'On SwiftShader, which computes on the CPU and says little about real devices.';
    return { text: `${note}\n\n${markdown(header, rows)}`, figures };
  },
};
