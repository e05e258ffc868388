import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '../../src/index.ts';
import { bytesOfTensor } from '../../src/support/tensor.ts';
import type { Inputs } from '../runner.ts';
import type { FirstAnswer, InputEntry } from './script.ts';

/** A program to start: an artifact of qc's, or a model for onnxruntime-web. */
export type Started = { readonly artifact: Artifact } | { readonly onnx: Uint8Array };

export interface Starts {
  /** Milliseconds to the first answer, a number a round. */
  readonly milliseconds: readonly number[];
  /** Bytes that the process holds beyond one that loads no model, a number a round. */
  readonly residentBytes: readonly number[];
  /** Values of the first output. */
  readonly values: readonly number[];
}

function runScript(name: string, args: readonly string[]): FirstAnswer {
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', script, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${name} gave no first answer: ${stderr}`);
  return JSON.parse(stdout) as FirstAnswer;
}

function writeInputs(folder: string, inputs: Inputs): void {
  const entries = Object.entries(inputs).map(([name, tensor], i): InputEntry => {
    writeFileSync(join(folder, `${i}.bin`), bytesOfTensor(tensor));
    return { name, dtype: tensor.dtype, shape: tensor.shape };
  });
  writeFileSync(join(folder, 'inputs.json'), JSON.stringify(entries));
}

/** Starts each program in a process of its own, in turn, `rounds` times. */
export function startAll(programs: readonly Started[], inputs: Inputs, rounds: number): Starts[] {
  const folder = mkdtempSync(join(tmpdir(), 'qc-bench-'));
  try {
    writeInputs(folder, inputs);
    const commands = programs.map((program, i): readonly [string, string] => {
      const path = join(folder, `program${i}`);
      if ('onnx' in program) {
        writeFileSync(path, program.onnx);
        return ['ortWeb', path];
      }
      mkdirSync(path);
      writeFileSync(join(path, 'package.json'), '{"type":"module"}');
      for (const [name, bytes] of program.artifact.files) writeFileSync(join(path, name), bytes);
      return ['qc', path];
    });
    const answers: FirstAnswer[][] = programs.map(() => []);
    const empty: number[] = [];
    for (let round = 0; round < rounds; round++) {
      empty.push(runScript('nothing', ['', folder]).residentBytes);
      commands.forEach(([name, path], i) => {
        answers[i]?.push(runScript(name, [path, folder]));
      });
    }
    return answers.map((all) => ({
      milliseconds: all.map(({ milliseconds }) => milliseconds),
      residentBytes: all.map(({ residentBytes }, round) => residentBytes - (empty[round] as number)),
      values: all[0]?.values ?? [],
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
