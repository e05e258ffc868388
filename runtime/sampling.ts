/** How the next token is chosen from the scores that a model gives. */

/** The steps in their order: temperature, top-k, top-p, min-p. What is left out does nothing. */
export interface Sampling {
  /** What scores are divided by; 0, the default, always takes the highest score. */
  readonly temperature?: number;
  /** Only so many of the likeliest tokens; 0 is all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together have this probability, 0 to 1 (nucleus sampling, Holtzman et al. 2020). */
  readonly topP?: number;
  /** Only tokens with at least this share of the likeliest one's probability, 0 to 1 (Nguyen et al. 2024). */
  readonly minP?: number;
  /** Begins the random numbers: the same seed gives the same choices, on every machine. Default 0. */
  readonly seed?: number;
}

/** Random numbers in [0, 1) from a seed: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** e^x for x ≤ 0 to about 1e-15 relative, the same on every engine, which Math.exp is not: 2^k · Taylor(x − k·ln 2). */
export function exponential(x: number): number {
  if (x < -700) return 0;
  const k = Math.round(x / Math.LN2);
  const rest = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
  let sum = 1;
  for (let i = 14; i > 0; i--) sum = 1 + (sum * rest) / i;
  return sum * 2 ** k;
}

/** The index of the highest score, the first of equal ones. */
export function highest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] as number) > (scores[best] as number)) best = i;
  return best;
}

/** Throws a RangeError for a number that means nothing. */
export function checkSampling({ temperature = 0, topK = 0, topP = 1, minP = 0 }: Sampling): void {
  if (!(temperature >= 0)) throw new RangeError(`the temperature is ${temperature}; it may be 0 and more`);
  if (!(Number.isInteger(topK) && topK >= 0)) throw new RangeError(`top-k is ${topK}; it may be 0, 1, 2, …`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`top-p is ${topP}; it may be above 0 and up to 1`);
  if (!(minP >= 0 && minP <= 1)) throw new RangeError(`min-p is ${minP}; it may be 0 to 1`);
}

/** Chooses an index of `scores` (logits). `random` gives numbers in [0, 1). */
export function sample(scores: ArrayLike<number>, sampling: Sampling, random: () => number): number {
  const { temperature = 0, topK = 0, topP = 1, minP = 0 } = sampling;
  if (temperature === 0) return highest(scores);
  const order = Array.from(scores, (_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const most = scores[order[0] as number] as number;
  const kept = topK > 0 ? order.slice(0, topK) : order;
  const weights = kept.map((i) => exponential(((scores[i] as number) - most) / temperature));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let [count, total] = [0, 0];
  for (const weight of weights) {
    if (total >= topP * all || weight < minP) break;
    total += weight;
    count++;
  }
  let left = random() * total;
  for (let i = 0; i < count; i++) {
    left -= weights[i] as number;
    if (left < 0) return kept[i] as number;
  }
  return kept[count - 1] as number;
}
