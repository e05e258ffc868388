import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '../../src/index.ts';
import { bytesOfTensor, type HostTensor } from '../../src/support/tensor.ts';
import type { BenchModel } from '../models.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import type { FirstAnswer } from './script.ts';

/** Milliseconds from files on disk to the first answer, each run in a process of its own. */
export interface FirstAnswers {
  readonly ortWeb: Spread;
  readonly qc: readonly { readonly scheme: string; readonly time: Spread; readonly ratio: Spread }[];
}

function runScript(name: string, args: readonly string[]): FirstAnswer {
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', script, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} gave no first answer: ${stderr}`);
  return JSON.parse(stdout) as FirstAnswer;
}

/** Runs onnxruntime-web and the artifacts in turn, `rounds` times. */
export function firstAnswers(
  model: BenchModel,
  row: HostTensor,
  artifacts: readonly Artifact[],
  rounds: number,
): FirstAnswers {
  const folder = mkdtempSync(join(tmpdir(), 'qc-bench-'));
  try {
    const input = join(folder, 'input.bin');
    writeFileSync(input, bytesOfTensor(row));
    const onnx = join(folder, 'model.onnx');
    writeFileSync(onnx, model.bytes);
    const folders = artifacts.map(({ files }, i) => {
      const path = join(folder, `${i}`);
      mkdirSync(path);
      writeFileSync(join(path, 'package.json'), '{"type":"module"}');
      for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
      return path;
    });
    const peer: number[] = [];
    const own: number[][] = artifacts.map(() => []);
    for (let round = 0; round < rounds; round++) {
      peer.push(runScript('ortWeb', [onnx, input, model.input, row.shape.join('x')]).milliseconds);
      folders.forEach((path, i) => {
        own[i]?.push(runScript('qc', [path, input, model.input]).milliseconds);
      });
    }
    return {
      ortWeb: spread(peer),
      qc: own.map((times, i) => ({
        scheme: artifacts[i]?.manifest.scheme ?? '',
        time: spread(times),
        ratio: ratio(peer, times),
      })),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
