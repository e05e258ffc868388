import type { Sample } from '../../src/pass/define.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** The results of a program. */
export type Outputs = readonly Float64Array[];

/** Copies of what a program gives for a sample. */
export function outputsOf(
  run: (sample: Sample, take: (i: number, tensor: HostTensor) => void) => void,
  sample: Sample,
): Outputs {
  const outputs: Float64Array[] = [];
  run(sample, (i, { data }) => {
    outputs[i] = Float64Array.from(data as Float32Array);
  });
  return outputs;
}

/** Sums of squares of a result. */
interface Power {
  readonly signal: number;
  readonly noise: number;
}

/** Of each result of one sample. */
export type Powers = readonly Power[];

/** What differs between results and those of a reference; places where one is not finite are left out. */
export function powersIn(reference: Outputs, outputs: Outputs): Powers {
  return reference.map((values, r) => {
    const output = outputs[r] as Float64Array;
    let [signal, noise] = [0, 0];
    values.forEach((x, i) => {
      const error = x - (output[i] as number);
      if (!(x - x === 0 && error - error === 0)) return;
      signal += x * x;
      noise += error * error;
    });
    return { signal, noise };
  });
}

/** Noise as a share of the signal's power over all samples, the mean over the results. */
export function noiseShare(samples: readonly Powers[]): number {
  const sum = (powers: readonly number[]) => powers.reduce((a, b) => a + b, 0);
  const shares = (samples[0] ?? []).map((_, r) => {
    const noise = sum(samples.map((powers) => (powers[r] as Power).noise));
    return noise === 0 ? 0 : noise / sum(samples.map((powers) => (powers[r] as Power).signal));
  });
  return sum(shares) / shares.length;
}
