import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileWgsl } from '../../backends/wgsl/emit.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { compile } from '../../src/index.ts';
import { cases } from '../differential/cases.ts';
import { choosesByData, planned } from '../differential/run.ts';
import {
  dimsOf,
  hasSharedModels,
  sharedModel,
  sharedNames,
  sharedSamples,
  symbolsOf,
} from '../models/sharedSamples.ts';
import { root } from '../source-files.ts';
import { exchanged } from './exchanged.ts';

// A second front end reads the shaders: what one forgives, the other may refuse.

const folder = mkdtempSync(join(tmpdir(), 'qc-naga-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const deno = join(root, 'node_modules/.bin/deno');

/** Whether the device of the last call has floats of 16 bits. */
let takesHalves = false;

/** What Naga says about shaders, by their names; empty when all are right. */
function errorsOf(shaders: ReadonlyMap<string, string>): Record<string, string> {
  const files = [...shaders.values()].map((code, i) => {
    const file = join(folder, `${i}.wgsl`);
    writeFileSync(file, code);
    return file;
  });
  const script = join(root, 'test/wgsl/naga.mjs');
  const { status, stdout, stderr } = spawnSync(deno, ['run', '--unstable-webgpu', '--allow-read', script, ...files], {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' },
  });
  if (status !== 0) throw new Error(stderr);
  const { wrong, halves } = JSON.parse(stdout) as { wrong: Record<string, string>; halves: boolean };
  takesHalves = halves;
  const names = [...shaders.keys()];
  return Object.fromEntries(Object.entries(wrong).map(([file, error]) => [names[files.indexOf(file)], error]));
}

function whyMissing(): string {
  if (!existsSync(deno)) return ' (skipped: deno is not installed)';
  try {
    errorsOf(new Map());
    return '';
  } catch (error) {
    return ` (skipped: ${(error as Error).message.split('\n')[0]})`;
  }
}

const missing = whyMissing();

describe.skipIf(missing)(`shaders that Naga takes${missing}`, () => {
  it('are those of every kernel', async () => {
    const shaders = new Map<string, string>();
    for (const { name, text } of cases) {
      const module = await planned(text, wgslTarget);
      if (choosesByData(module)) continue;
      const { shader } = compileWgsl(module);
      shaders.set(name, shader);
      if (takesHalves)
        shaders.set(
          `${name}, with every feature`,
          exchanged(shader, () => true),
        );
    }
    expect(shaders.size).toBeGreaterThan(100);
    if (!takesHalves) console.log('this device has no shader-f16: only shaders without were read');
    expect(errorsOf(shaders)).toEqual({});
  });

  it.skipIf(!hasSharedModels)('are those of whole models (needs ../shared/models)', async () => {
    const shaders = new Map<string, string>();
    for (const name of process.env.QC_FULL ? sharedNames : ['mnist_resnet_f', 'resnet8_cifar10']) {
      const samples = sharedSamples(name);
      for (const scheme of ['float', 'w8a8'] as const) {
        const module = sharedModel(name, symbolsOf(name));
        const dims = dimsOf(module, samples[0] as (typeof samples)[number]);
        const calibration = samples.slice(0, 2).map(({ inputs }) => inputs);
        const { files } = await compile(module, { target: 'wgsl', scheme, calibration, dims });
        shaders.set(`${name} ${scheme}`, new TextDecoder().decode(files.get('model.wgsl')));
      }
    }
    expect(errorsOf(shaders)).toEqual({});
  });

  it('are refused with a reason when they are wrong', () => {
    expect(errorsOf(new Map([['wrong', 'fn wrong() -> i32 { return 1.5f; }']]))).toEqual({
      wrong: expect.stringContaining('i32'),
    });
  });
});
