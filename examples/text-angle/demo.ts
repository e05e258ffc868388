import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
// In a project of your own: from 'quantc'.
import { compile, importOnnx, type Sample } from '../../src/index.ts';
import { angleOf, dims, modelFile, modelInput } from './classifier.ts';
import { calibrationTexts, drawLines, type Line, shownTexts } from './lines.ts';

/** What `qc compile` writes for the target `wasm`, as TypeScript sees it for this model. */
interface TextAngleModel {
  readonly simd: string;
  run(inputs: { readonly x: Float32Array }): { readonly 'softmax_0.tmp_0': Float32Array };
}

/** The times of one program, in milliseconds. */
export interface Times {
  readonly compile: number;
  /** From files on disk to the first answer. */
  readonly firstAnswer: number;
  /** Median. */
  readonly run: number;
}

/** A compiled program and how it did. */
export interface Program {
  readonly scheme: 'float' | 'w8a8';
  readonly folder: string;
  /** Bytes of every file written. */
  readonly sizes: Readonly<Record<string, number>>;
  /** The last line of its compilation. */
  readonly report: string;
  readonly simd: string;
  readonly times: Times;
  /** Probabilities of 0° and 180° for each line. */
  readonly answers: readonly Float32Array[];
}

export interface Demo {
  readonly modelBytes: number;
  readonly lines: readonly Line[];
  readonly programs: { readonly float: Program; readonly w8a8: Program };
}

/** Lines drawn for each purpose; every one is used both ways up. */
const [calibrationCount, shownCount] = [14, 54];

/** Compiles the classifier in float and in 8 bits into folders below `out`, and asks both about the same lines. */
export async function runDemo(root: string, out: string, progress: (step: string) => void): Promise<Demo> {
  const bytes = readFileSync(join(root, modelFile));
  const calibration = drawLines(calibrationTexts, calibrationCount, 1);
  const lines = drawLines(shownTexts, shownCount, 2);
  const inputs = lines.map(({ picture }) => modelInput(picture).data);
  const samples = calibration.map(({ picture }) => ({ x: modelInput(picture) }));
  const make = (scheme: Program['scheme']) => makeProgram(bytes, scheme, samples, join(out, scheme), inputs);
  progress('compiling in float');
  const float = await make('float');
  progress(`compiling in 8 bits, calibrated on ${samples.length} other lines`);
  const w8a8 = await make('w8a8');
  return { modelBytes: bytes.length, lines, programs: { float, w8a8 } };
}

async function makeProgram(
  bytes: Uint8Array,
  scheme: Program['scheme'],
  calibration: readonly Sample[],
  folder: string,
  inputs: readonly Float32Array[],
): Promise<Program> {
  const start = performance.now();
  const { files, report } = await compile(importOnnx(bytes), { target: 'wasm', scheme, dims, calibration });
  const compileTime = performance.now() - start;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content);

  const loadStart = performance.now();
  const model = await loadProgram(folder);
  model.run({ x: inputs[0] as Float32Array });
  const firstAnswer = performance.now() - loadStart;
  const runs = inputs.map((x) => timed(() => model.run({ x })['softmax_0.tmp_0']));
  return {
    scheme,
    folder,
    sizes: Object.fromEntries([...files].map(([name, content]) => [name, content.length])),
    report,
    simd: model.simd,
    times: { compile: compileTime, firstAnswer, run: median(runs.map(({ time }) => time)) },
    answers: runs.map(({ value }) => value),
  };
}

/** Loads a written program as its user does: it is an ES module without dependencies. */
async function loadProgram(folder: string): Promise<TextAngleModel> {
  const { load } = (await import(pathToFileURL(join(folder, 'model.js')).href)) as {
    load: () => Promise<TextAngleModel>;
  };
  return load();
}

function timed<T>(run: () => T): { readonly value: T; readonly time: number } {
  const start = performance.now();
  const value = run();
  return { value, time: performance.now() - start };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** How many lines a program gives their true angle. */
export function rightAnswers({ lines }: Demo, { answers }: Program): number {
  return lines.filter(({ angle }, i) => angleOf(answers[i] as Float32Array) === angle).length;
}

/** How the 8-bit program agrees with the float one. */
export function agreement({ programs: { float, w8a8 } }: Demo): { same: number; worstDifference: number } {
  const pairs = float.answers.map((answer, i) => [answer, w8a8.answers[i] as Float32Array] as const);
  const differences = pairs.map(([a, b]) => Math.abs((a[0] as number) - (b[0] as number)));
  return {
    same: pairs.filter(([a, b]) => angleOf(a) === angleOf(b)).length,
    worstDifference: Math.max(...differences),
  };
}
