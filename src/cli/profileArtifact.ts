import {
  defaultBudget,
  defaultRounds,
  type Profile,
  profile,
  profiledManifest,
  profileOf,
  profileOnDevice,
} from '../api/profile.ts';
import { selfTestInputs } from '../api/selfTest.ts';
import { countText } from '../api/summary.ts';
import { invariant } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type ArtifactFiles, loadArtifact } from './artifactFile.ts';
import { flameGraph } from './flame.ts';
import { findCompiler, timeC } from './host/c.ts';
import { timeCuda } from './host/cuda.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface ProfileArguments {
  readonly rounds: number | undefined;
  readonly simd: string | undefined;
  readonly cflags: string | undefined;
  readonly flame: string | undefined;
}

/** What the C compiler is told when nothing is said. */
export const defaultFlags = '-O3 -march=native';

/** Times every launch of an artifact and prints a table, slowest first. */
export async function profileArtifact(path: string, options: ProfileArguments, terminal: Terminal): Promise<void> {
  if (options.flame !== undefined) checkOutputFile(options.flame);
  const result = await measure(loadArtifact(path), options);
  if (options.flame !== undefined) {
    const rows = result.launches.map(({ layer, op, median }) => ({ layer, op, microseconds: median }));
    writeWhole(options.flame, flameGraph(`${result.name}, ${result.scheme}, ${result.by}`, rows));
  }
  if (terminal.json) terminal.printJson(result);
  else terminal.print(profileText(result));
}

async function measure({ manifest, files }: ArtifactFiles, options: ProfileArguments): Promise<Profile> {
  const { rounds, simd, cflags } = options;
  if (simd !== undefined && manifest.target !== 'wasm') throw new UsageError('--simd is for wasm artifacts');
  if (cflags !== undefined && manifest.target !== 'c') throw new UsageError('--cflags is for C artifacts');
  const limits = rounds === undefined ? {} : { rounds, budget: Number.POSITIVE_INFINITY };
  if (manifest.target === 'c') return profileC(files, cflags ?? defaultFlags, limits);
  if (manifest.target === 'cuda') return profileCuda(files, limits);
  if (manifest.target === 'wgsl') return profileWgsl(files, limits);
  return profile(files, { ...limits, simd: (simd ?? 'auto') as 'auto' | 'baseline' | 'relaxed' });
}

interface Limits {
  readonly rounds?: number;
  readonly budget?: number;
}

/** Compiles with this machine's compiler and hooks behind every kernel. */
export function profileC(files: ArtifactFiles['files'], cflags: string, limits: Limits): Profile {
  const { manifest, source, inputs, rounds } = nativeProfile(files, limits);
  const compiler = findCompiler();
  const flags = cflags.split(' ').filter((flag) => flag !== '');
  const times = timeC(source, manifest.launches.length, inputs, rounds, { compiler, flags });
  return profileOf(manifest, `${compiler} ${cflags}`, times);
}

/** Compiles with nvcc and hooks that put events on the stream. */
function profileCuda(files: ArtifactFiles['files'], limits: Limits): Profile {
  const { manifest, source, inputs, rounds } = nativeProfile(files, limits);
  return profileOf(manifest, 'events of the stream', timeCuda(source, manifest.launches.length, inputs, rounds));
}

/** What is timed of an artifact that a compiler of this machine takes. */
function nativeProfile(files: ArtifactFiles['files'], limits: Limits) {
  const manifest = profiledManifest(files);
  invariant(manifest.c, 'the manifest of such an artifact describes its functions');
  const given = selfTestInputs(manifest);
  return {
    manifest,
    source: { files, signature: manifest.c },
    inputs: manifest.c.inputs.map(({ name }) => given[name] as HostTensor),
    rounds: { rounds: defaultRounds, budget: defaultBudget, ...limits },
  };
}

async function profileWgsl(files: ArtifactFiles['files'], limits: Limits): Promise<Profile> {
  const { exactTimestamps, openDevice } = await import('./host/webgpu.ts');
  const host = await openDevice(exactTimestamps);
  try {
    return await profileOnDevice(files, host, limits);
  } finally {
    host.device.destroy();
  }
}

function profileText({ name, scheme, by, rounds, launches, total }: Profile): string {
  const head = ['layer', 'operation', 'µs', 'least µs', 'share', 'multiply-adds', 'per ns'];
  const rows = launches
    .toSorted((a, b) => b.median - a.median)
    .map(({ layer, op, median, least, multiplyAdds }) => [
      layer || '(no name)',
      op,
      median.toFixed(1),
      least.toFixed(1),
      percentText(median / total),
      multiplyAdds > 0 ? countText(multiplyAdds) : '',
      multiplyAdds > 0 ? (multiplyAdds / least / 1000).toFixed(1) : '',
    ]);
  return [
    `${name}: ${scheme}, ${by}, medians of ${rounds} runs, ${total.toFixed(0)} µs in all`,
    '',
    tableText([head, ...rows]),
  ].join('\n');
}
