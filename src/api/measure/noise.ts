import { decibels } from './decibels.ts';

/** How near a tensor comes to its reference, over all elements of all samples. */
export interface Fidelity {
  /** 10·log10(Σ ref² / Σ (ref − x)²) in dB; infinite where the two are equal. */
  readonly snr: number;
  /** Σ ref·x / √(Σ ref² · Σ x²), in −1…1; 1 where both are zero. */
  readonly cosine: number;
}

/** Sums over the elements of a tensor and its reference, from which `Fidelity` follows. */
export class Noise {
  #signal = 0;
  #noise = 0;
  #product = 0;
  #energy = 0;

  /** Counts every element in. Both have the same length. */
  add(reference: ArrayLike<number>, actual: ArrayLike<number>): void {
    for (let i = 0; i < reference.length; i++) {
      const [r, x] = [reference[i] as number, actual[i] as number];
      // Equal infinities differ by nothing.
      const error = r === x ? 0 : r - x;
      this.#signal += r * r;
      this.#noise += error * error;
      this.#product += r * x;
      this.#energy += x * x;
    }
  }

  /** Noise power as a share of the power of the signal: 0 for equal tensors. */
  get share(): number {
    return this.#noise === 0 ? 0 : this.#noise / this.#signal;
  }

  get fidelity(): Fidelity {
    const snr = this.#noise === 0 ? Number.POSITIVE_INFINITY : decibels(this.#signal / this.#noise);
    const length = Math.sqrt(this.#signal) * Math.sqrt(this.#energy);
    if (length > 0) return { snr, cosine: this.#product / length };
    return { snr, cosine: this.#signal === this.#energy ? 1 : 0 };
  }
}
