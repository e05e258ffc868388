// Compiles a shared model for every target and prints the digest of each file, as JSON. Arguments: the model, the scheme.
import { createHash } from 'node:crypto';
import { copyPrepared, finish, prepare } from '../../src/api/compile.ts';
import type { SchemeName } from '../../src/scheme/index.ts';
import { dimsOf, type SharedSample, sharedModel, sharedSamples } from './sharedSamples.ts';

const [name = '', scheme = 'float'] = process.argv.slice(2);
const samples = sharedSamples(name);
const module = sharedModel(name);
const prepared = await prepare(module, {
  scheme: scheme as SchemeName,
  dims: dimsOf(module, samples[0] as SharedSample),
  calibration: samples.map(({ inputs }) => inputs),
});
const digests: Record<string, string> = {};
for (const target of ['wasm', 'c', 'wgsl', 'cuda'] as const) {
  const { files } = await finish(copyPrepared(prepared), { target });
  for (const [path, bytes] of files) {
    digests[`${target}/${path}`] = createHash('sha256').update(bytes).digest('hex');
  }
}
console.log(JSON.stringify(digests));
