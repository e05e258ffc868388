import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpus } from '../../backends/c/cpus.ts';
import { emitC } from '../../backends/c/emit.ts';
import { hostFlags } from '../../backends/c/host.ts';
import { signature } from '../../dialects/kernel/index.ts';
import { transform } from '../../src/api/compile.ts';
import { type ArenaReport, arenaOf } from '../../src/api/report/memory.ts';
import { type Artifact, compile, type Module, runPipeline } from '../../src/index.ts';
import { type Op, storedBytes, type TensorType } from '../../src/ir/index.ts';
import { runBatch } from '../c/batch.ts';
import { cortexM0, cortexM4, type Machine, missingFor } from '../c/machines.ts';
import { missing, strict } from '../c/program.ts';
import { selftestMain } from '../c/selftestMain.ts';
import { expectSame } from '../differential/same.ts';
import { firstAndLast } from './kernelsAlone.ts';
import {
  dimsOf,
  hasSharedModels,
  modelsFolder,
  type SharedSample,
  sharedModel,
  sharedSamples,
  symbolsOf,
} from './sharedSamples.ts';

/** The board's memories: code and weights in the one, everything else in the other. */
const boardBytes = 4 * 2 ** 20;
/** What the two smallest networks may take: of code without weights, and of stack. */
const mostText = 64 * 1024;
const mostStack = 1024;
/** The arena against the peak of what lives at one time. */
const mostArena = 1.1;

const small = ['mnist_resnet_f', 'resnet8_cifar10'];
const fitting = ['ad01_fp32', 'vww_96_float', 'mbnet128_0.25_f'];
const others = [
  ...['silero_vad_16k_op15', 'stories260K', 'vit_mnist', 'stories260K_kv', 'blazeface_front_128'],
  ...['ultraface_RFB_320', 'rxnmapper_albert', 'ddpm_mnist', 'yolox_nano_416', 'mamba_char_step', 'llama_char'],
  ...['llama_char_kv', 'llama_char_outlier'],
];
/** With QC_FULL all others run whole where they fit, and every one's kernels are tried. */
const all = process.env.QC_FULL !== undefined;
const kernelsAtEachEnd = 2;

interface Compiled {
  readonly artifact: Artifact;
  readonly arena: ArenaReport;
}

/** A model, and how it is compiled from two of its samples. */
function modelOf(name: string) {
  const samples = sharedSamples(name);
  const module = sharedModel(name, symbolsOf(name));
  const dims = dimsOf(module, samples[0] as SharedSample);
  const calibration = samples.slice(0, 2).map(({ inputs }) => inputs);
  return { module, dims, calibration };
}

/** In integers from input to output, so that the self-test compares bytes with the interpreter. */
async function compiled(name: string, { cpu }: Machine): Promise<Compiled> {
  const { module, ...options } = modelOf(name);
  const artifact = await compile(module, { target: 'c', cpu, scheme: 'int8', border: 'int', name: 'net', ...options });
  return { artifact, arena: arenaOf(module) };
}

/** A model's kernels for a machine, in integers. */
async function plannedFor(name: string, { cpu }: Machine): Promise<Module> {
  const { module, ...options } = modelOf(name);
  const { kernels } = await transform(module, { scheme: 'int8', border: 'int', ...options });
  await runPipeline(module, kernels, { target: cpus[cpu].target });
  return module;
}

/** Bytes of the inputs and outputs of a planned module. */
function portBytes({ main }: Module): number {
  const { input_types, output_types } = signature.attributesOf(main.body.first as Op);
  return ([input_types, output_types].flat() as TensorType[]).reduce((sum, type) => sum + storedBytes(type), 0);
}

/** The largest sum of bytes that live at one time, in the order of the launches. */
function peakOf({ buffers, launches }: ArenaReport): number {
  const at = (time: number) =>
    buffers.filter(({ from, to }) => from <= time && time <= to).reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(...Array.from({ length: launches }, (_, time) => at(time)));
}

interface Build {
  /** What the program says. */
  readonly said: string;
  readonly textBytes: number;
  /** Of the deepest call: NAME_run and the largest function below it. */
  readonly stackBytes: number;
  /** Functions that the program does not define itself. */
  readonly needs: readonly string[];
}

/** Has compilers of this machine read the program, which must give them nothing to say. */
function checkWarnings({ files }: Artifact): void {
  const folder = mkdtempSync(join(tmpdir(), 'qc-mcu-'));
  try {
    for (const [path, content] of files) writeFileSync(join(folder, path), content);
    for (const compiler of ['gcc', 'clang-16'].filter((name) => missing(name) === '')) {
      const args = [...hostFlags, ...strict, '-fsyntax-only', 'net.c'];
      execFileSync(compiler, args, { cwd: folder, stdio: 'pipe' });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function built(machine: Machine, { files, manifest }: Artifact): Build {
  const folder = mkdtempSync(join(tmpdir(), 'qc-mcu-'));
  try {
    for (const [path, content] of files) writeFileSync(join(folder, path), content);
    if (!manifest.c) throw new Error('no C signature');
    writeFileSync(join(folder, 'main.c'), selftestMain(manifest.c));
    const call = (command: string, args: readonly string[]) =>
      execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    call(machine.compiler, [...hostFlags, ...strict, ...machine.flags, '-fstack-usage', '-c', 'net.c']);
    call(machine.compiler, [...machine.flags, 'main.c', ...machine.startup, 'net.o', '-o', 'net.elf']);
    const [emulator = '', ...args] = machine.emulator;
    const { stdout } = spawnSync(emulator, [...args, 'net.elf'], { cwd: folder, encoding: 'utf8' });
    const text = /^\.text\s+(\d+)/m.exec(call('arm-none-eabi-size', ['-A', 'net.o']))?.[1];
    const frames = readFileSync(join(folder, 'net.su'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t') as [string, string]);
    const own = (function_: RegExp) => Number(frames.find(([place]) => function_.test(place))?.[1] ?? 0);
    const below = frames.filter(([place]) => !/:net_/.test(place)).map(([, bytes]) => Number(bytes));
    return {
      said: stdout.trim(),
      textBytes: Number(text),
      stackBytes: own(/:net_selftest/) + own(/:net_run/) + Math.max(...below),
      needs: [...call('arm-none-eabi-nm', ['-u', 'net.o']).matchAll(/U (\w+)/g)].map(([, symbol]) => symbol as string),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const absent = hasSharedModels ? missingFor(cortexM4) : ` (needs ${modelsFolder})`;

describe.skipIf(absent)(`shared models in integers on a Cortex-M4${absent}`, () => {
  it.each(small)('%s is small', async (name) => {
    const { artifact, arena } = await compiled(name, cortexM4);
    const { said, textBytes, stackBytes } = built(cortexM4, artifact);
    const { weightsBytes, arenaBytes } = artifact.manifest;
    const figures = `${textBytes} bytes of code, ${weightsBytes} of weights, ${stackBytes} of stack`;
    console.log(`${name}: ${figures}, arena ${arenaBytes} for a peak of ${peakOf(arena)}`);
    expect(said).toBe('no error');
    expect(textBytes).toBeLessThan(mostText);
    expect(stackBytes).toBeGreaterThan(0);
    expect(stackBytes).toBeLessThanOrEqual(mostStack);
    expect(arenaBytes / peakOf(arena)).toBeLessThanOrEqual(mostArena);
  });

  it.each(all ? [...fitting, ...others] : fitting)('%s gives the bytes of the interpreter', async (name) => {
    const { artifact } = await compiled(name, cortexM4);
    const { weightsBytes, ramBytes } = artifact.manifest;
    const fits = weightsBytes < boardBytes && ramBytes < boardBytes;
    console.log(`${name}: ${weightsBytes} bytes of weights, ${ramBytes} of memory: ${fits ? 'fits' : 'too large'}`);
    if (fits) expect(built(cortexM4, artifact).said).toBe('no error');
    else expect(fitting).not.toContain(name);
  });

  it.each(all ? others : others.slice(0, 2))('the first and last kernels of %s', async (name) => {
    const { target } = cpus[cortexM4.cpu];
    const module = await plannedFor(name, cortexM4);
    const weightsBytes = module.facts.get('weights')?.bytes().length ?? 0;
    const memory = arenaOf(module).bytes + portBytes(module);
    const fits = weightsBytes < boardBytes && memory < boardBytes ? 'fits' : 'too large';
    console.log(`${name}: ${weightsBytes} bytes of weights, ${memory} of memory: ${fits}`);
    const sample = sharedSamples(name)[0]?.inputs ?? {};
    for (const { layer, program, inputs, expected } of firstAndLast(module, kernelsAtEachEnd, sample, target.slack)) {
      const artifact = emitC(program, { name: 'net', cpu: cpus[cortexM4.cpu] });
      const [actual] = runBatch(cortexM4, [{ artifact, inputs }], '-O2');
      expect(actual?.length, layer).toBeGreaterThan(0);
      expectSame(actual ?? [], expected, 0);
    }
  });

  it('needs no float of a Cortex-M0+, and is C that compilers have nothing to say about', async () => {
    const { artifact } = await compiled('mnist_resnet_f', cortexM0);
    checkWarnings(artifact);
    const { said, needs } = built(cortexM0, artifact);
    expect(needs.filter((symbol) => /^__aeabi_[fd]|^__aeabi_.*2[fd]$/.test(symbol))).toEqual([]);
    expect(said).toBe('no error');
  });
});
