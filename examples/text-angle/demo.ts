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

/** A compiled program on disk. Times are in milliseconds. */
export interface Written {
  readonly scheme: 'float' | 'w8a8';
  readonly folder: string;
  /** Bytes of every file. */
  readonly sizes: Readonly<Record<string, number>>;
  /** The last line of its compilation. */
  readonly report: string;
  readonly compileTime: number;
}

/** How a program did. */
export interface Ran {
  /** The instructions in use. */
  readonly simd: string;
  /** From files on disk to the first answer. */
  readonly firstAnswer: number;
  /** Median. */
  readonly runTime: number;
  /** Probabilities of 0° and 180° for each line. */
  readonly answers: readonly Float32Array[];
}

export type Program = Written & Ran;

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
  const calibration = drawLines(calibrationTexts, calibrationCount, 1).map(({ picture }) => ({
    x: modelInput(picture),
  }));
  const lines = drawLines(shownTexts, shownCount, 2);
  const inputs = lines.map(({ picture }) => modelInput(picture).data);
  progress('compiling in float');
  const float = await write(bytes, 'float', calibration, out);
  progress(`compiling in 8 bits, calibrated on ${calibration.length} other lines`);
  const w8a8 = await write(bytes, 'w8a8', calibration, out);
  progress(`asking both about ${lines.length} lines`);
  const [floatRun, w8a8Run] = await ask([float.folder, w8a8.folder], inputs);
  return {
    modelBytes: bytes.length,
    lines,
    programs: { float: { ...float, ...floatRun }, w8a8: { ...w8a8, ...w8a8Run } },
  };
}

/** Compiles for wasm and writes the files. */
async function write(
  bytes: Uint8Array,
  scheme: Written['scheme'],
  calibration: Sample[],
  out: string,
): Promise<Written> {
  const start = performance.now();
  const { files, report } = await compile(importOnnx(bytes), { target: 'wasm', scheme, dims, calibration });
  const compileTime = performance.now() - start;
  const folder = join(out, scheme);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  const sizes = Object.fromEntries([...files].map(([name, content]) => [name, content.length]));
  return { scheme, folder, sizes, report, compileTime };
}

/** Asks two programs about every input, in turn: what else the machine does hits both alike. */
async function ask(folders: readonly [string, string], inputs: readonly Float32Array[]): Promise<[Ran, Ran]> {
  const first = await start(folders[0], inputs);
  const second = await start(folders[1], inputs);
  const runs = inputs.map((x) => [first, second].map(({ model }) => timed(() => model.run({ x })['softmax_0.tmp_0'])));
  const [one, two] = [first, second].map(({ model, firstAnswer }, which): Ran => {
    const own = runs.map((pair) => pair[which] as Timed<Float32Array>);
    const runTime = median(own.map(({ time }) => time));
    return { simd: model.simd, firstAnswer, runTime, answers: own.map(({ value }) => value) };
  });
  return [one as Ran, two as Ran];
}

/** Loads a program from its files and gets a first answer from it. */
async function start(folder: string, [x = new Float32Array()]: readonly Float32Array[]) {
  const begin = performance.now();
  const model = await loadProgram(folder);
  model.run({ x });
  return { model, firstAnswer: performance.now() - begin };
}

/** Loads a written program as its user does: it is an ES module without dependencies. */
async function loadProgram(folder: string): Promise<TextAngleModel> {
  const { load } = (await import(pathToFileURL(join(folder, 'model.js')).href)) as {
    load: () => Promise<TextAngleModel>;
  };
  return load();
}

interface Timed<T> {
  readonly value: T;
  readonly time: number;
}

function timed<T>(run: () => T): Timed<T> {
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
