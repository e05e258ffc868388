import { Noise } from '../../src/api/measure/noise.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export type Outputs = Readonly<Record<string, HostTensor>>;

/** How two runs of a model compare. */
export interface Likeness {
  /** 10·log10(Σ ref² / Σ (ref − out)²) over the compared outputs, without filler. */
  readonly snr: number;
  /** Share of the rows of the first output with the largest value at the same place; of single values, on the same side of ½. */
  readonly agreement: number;
}

/** Compares outputs sample by sample. */
export class Comparison {
  readonly #outputs: readonly string[];
  readonly #noise = new Noise();
  #same = 0;
  #rows = 0;

  constructor(outputs: readonly string[]) {
    this.#outputs = outputs;
  }

  /** @param rows of the first output that are no filler; the others' count as they are */
  add(reference: Outputs, actual: Outputs, rows?: readonly number[]): void {
    for (const [i, name] of this.#outputs.entries()) {
      const [expected, found] = [reference[name] as HostTensor, actual[name] as HostTensor];
      const columns = expected.shape.at(-1) ?? 1;
      const counted = i === 0 ? rows : undefined;
      const all = Array.from({ length: expected.data.length / columns }, (_, row) => row);
      for (const row of counted ?? all) {
        const part = ({ data }: HostTensor) => data.subarray(row * columns, (row + 1) * columns) as Float32Array;
        this.#noise.add(part(expected), part(found));
        if (i > 0) continue;
        this.#rows++;
        if (answerOf(part(expected)) === answerOf(part(found))) this.#same++;
      }
    }
  }

  get likeness(): Likeness {
    return { snr: this.#noise.fidelity.snr, agreement: this.#same / this.#rows };
  }
}

/** The place of the largest value, the first one of equals; whether a single value is above ½. */
function answerOf(row: ArrayLike<number>): number {
  if (row.length === 1) return (row[0] as number) > 0.5 ? 1 : 0;
  let best = 0;
  for (let i = 1; i < row.length; i++) if ((row[i] as number) > (row[best] as number)) best = i;
  return best;
}
