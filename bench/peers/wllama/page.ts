import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { InstructionPath } from '../../qc.ts';
import type { Runner } from '../../runner.ts';
import { fromNpm } from '../fromNpm.ts';
import { productsOfToken } from './model.ts';

/** The last release, and the fastest, whose kernels have products of integers in registers: from 2.3.3 on there are none. */
const version = '2.3.1';
export const release = `@wllama/wllama@${version}`;
const [library, wasm] = ['index.js', 'single-thread/wllama.wasm'];

const paths: readonly InstructionPath[] = ['relaxed', 'baseline'];

/** The token that is timed, and whose scores are looked at. */
export const token = 7;

/**
 * In the page: wllama with its model on one thread, and so many programs of qc as the model has matrices, each in memory
 * of its own, so that both read as many weights before they read the same again.
 */
const script = `
import { Wllama } from './${library}';
import { load } from './model.js';
const silent = { debug() {}, log() {}, warn() {}, error: console.error };
const wllama = new Wllama({ 'single-thread/wllama.wasm': '${wasm}' }, { suppressNativeLog: true, logger: silent });
await wllama.loadModel([await (await fetch('model.gguf')).blob()], { n_ctx: 32, n_threads: 1 });
const x = new Float32Array(await (await fetch('input.bin')).arrayBuffer());
const programs = (simd) => Promise.all(Array.from({ length: ${productsOfToken} }, () => load({ simd })));
const timed = async (runs, work) => {
  const start = performance.now();
  for (let i = 0; i < runs; i++) await work();
  return performance.now() - start;
};
const token = async () => { await wllama.kvClear(); await wllama.decode([${token}], {}); };
const runner = (all) => ({
  results: () => Array.from(Object.values(all[0].run({ x }))[0]),
  time: (runs) => timed(runs, () => { for (const program of all) program.run({ x }); }),
});
const results = async () => {
  await token();
  return (await wllama.getLogits(-1)).sort((a, b) => a.token - b.token).map(({ p }) => p);
};
const measured = { wllama: { results, time: (runs) => timed(runs, token) } };
for (const simd of ${JSON.stringify(paths)}) measured[simd] = runner(await programs(simd));
globalThis.measured = measured;
`;

/** The files of the page. Undefined where wllama can't be had. */
export function wllamaSite(
  model: Uint8Array,
  input: Uint8Array,
  program: ReadonlyMap<string, Uint8Array>,
): ((path: string) => string | Uint8Array | undefined) | undefined {
  const modules = fromNpm(release);
  const home = modules && join(modules, '@wllama', 'wllama', 'esm');
  if (!home || !existsSync(join(home, wasm))) return undefined;
  return (path) => {
    if (path === 'index.html') {
      return `<!doctype html><link rel="icon" href="data:,"><script type="module">${script}</script>`;
    }
    if (path === 'model.gguf') return model;
    if (path === 'input.bin') return input;
    return path === library || path === wasm ? readFileSync(join(home, path)) : program.get(path);
  };
}

/**
 * Runners of what the page holds, when it is loaded: qc's results for its input, the chances of what follows the token by
 * wllama. The time of a run is that of one matrix: a share of what all together take.
 */
export async function pageRunners(page: Page): Promise<{ own: Runner[]; peer: Runner }> {
  await page.waitForFunction('globalThis.measured', undefined, { timeout: 600_000 });
  const runner = (name: string, one: string): Runner => ({
    name,
    run: async () => ({ y: Float32Array.from(await page.evaluate<number[]>(`measured.${one}.results()`)) }),
    time: async (_, runs) => (await page.evaluate<number>(`measured.${one}.time(${runs})`)) / productsOfToken,
  });
  return { own: paths.map((path) => runner(`qc ${path}`, path)), peer: runner(`wllama ${version}`, 'wllama') };
}
