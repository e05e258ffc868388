import type { HostTensor } from '../../src/support/tensor.ts';

/** 10·log10(Σ ref² / Σ (ref − out)²) over pairs of a reference and an output. */
export function decibels(pairs: readonly (readonly [HostTensor, HostTensor])[]): number {
  let [signal, noise] = [0, 0];
  for (const [reference, output] of pairs) {
    reference.data.forEach((value, i) => {
      signal += Number(value) ** 2;
      noise += (Number(value) - Number(output.data[i])) ** 2;
    });
  }
  return 10 * Math.log10(signal / noise);
}
