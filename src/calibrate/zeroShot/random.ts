/** Numbers that look random and are the same on every machine: xorshift32 (Marsaglia, 2003). */
export class Random {
  #state: number;

  /** @param seed a whole number; 0 stands for 1 */
  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** In [0, 1), a multiple of 2^−32. */
  uniform(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 2 ** 32;
  }

  /** Of mean 0 and variance 1: the sum of twelve uniform numbers, less 6. */
  gaussian(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }
}
