import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
// In a project of your own: from 'quantc'.
import { compile, importOnnx } from '../../src/index.ts';
import { calibrationTexts, drawLines, type Line, shownTexts } from './lines.ts';
import { charactersFile, classesOf, dims, modelFile, modelInput, type Reading, readingOf } from './recogniser.ts';

/** What `qc compile` writes for the target `wasm`, as TypeScript sees it for this model. */
interface RecogniserModel {
  readonly simd: string;
  run(inputs: { readonly x: Float32Array }): { readonly 'softmax_11.tmp_0': Float32Array };
}

/** One line and what was read on it. Times are in milliseconds. */
export interface ReadLine {
  readonly line: Line;
  readonly reading: Reading;
  readonly time: number;
}

export interface Demo {
  readonly folder: string;
  readonly modelBytes: number;
  readonly programBytes: number;
  readonly compileTime: number;
  readonly simd: string;
  /** The last line of the compilation. */
  readonly report: string;
  readonly lines: readonly ReadLine[];
}

/** Compiles the recogniser in 8 bits into `folder` and reads lines with what was written there. */
export async function runDemo(root: string, folder: string, progress: (step: string) => void): Promise<Demo> {
  const bytes = readFileSync(join(root, modelFile));
  const classes = classesOf(readFileSync(join(root, charactersFile), 'utf8'));
  const calibration = drawLines(calibrationTexts, 1).map(({ picture }) => ({ x: modelInput(picture) }));
  progress(`compiling in 8 bits, calibrated on ${calibration.length} drawn lines of other text`);
  const start = performance.now();
  const scheme = 'w8a8';
  const { files, report } = await compile(importOnnx(bytes), { target: 'wasm', scheme, dims, calibration });
  const compileTime = performance.now() - start;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  const programBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  progress('reading');
  const model = await loadProgram(folder);
  const lines = drawLines(shownTexts, 2).map((line): ReadLine => {
    const { data: x } = modelInput(line.picture);
    const begin = performance.now();
    const probabilities = model.run({ x })['softmax_11.tmp_0'];
    const time = performance.now() - begin;
    return { line, reading: readingOf(probabilities, classes), time };
  });
  return { folder, modelBytes: bytes.length, programBytes, compileTime, simd: model.simd, report, lines };
}

/** Loads a written program as its user does: it is an ES module without dependencies. */
async function loadProgram(folder: string): Promise<RecogniserModel> {
  const { load } = (await import(pathToFileURL(join(folder, 'model.js')).href)) as {
    load: () => Promise<RecogniserModel>;
  };
  return load();
}
