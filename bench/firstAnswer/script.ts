import { readFileSync } from 'node:fs';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import { viewBytes } from '../../src/support/tensor.ts';

/** What a script of this folder prints. */
export interface FirstAnswer {
  /** From the script's start to the first answer. */
  readonly milliseconds: number;
  /** Memory that the process holds after the first answer. */
  readonly residentBytes: number;
  /** Values of the first output. */
  readonly values: readonly number[];
}

/** An input as it lies in `inputs.json`; its elements are in the file `INDEX.bin` beside it. */
export interface InputEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export function printAnswer(start: number, output: ArrayLike<number | bigint>): void {
  const milliseconds = performance.now() - start;
  const residentBytes = process.memoryUsage.rss();
  console.log(
    JSON.stringify({ milliseconds, residentBytes, values: Array.from(output, Number) } satisfies FirstAnswer),
  );
}

/** The inputs in a folder. */
export function readInputs(folder: string): Record<string, HostTensor> {
  const entries = JSON.parse(readFileSync(`${folder}/inputs.json`, 'utf8')) as InputEntry[];
  return Object.fromEntries(
    entries.map(({ name, dtype, shape }, i) => {
      const bytes = new Uint8Array(readFileSync(`${folder}/${i}.bin`));
      return [name, { dtype, shape, data: viewBytes(dtype, bytes) }];
    }),
  );
}
