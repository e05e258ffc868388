import { describe, expect, it } from 'vitest';
import { checkSampling, exponential, randomNumbers, type Sampling, sample } from '../../runtime/sampling.ts';

const scores = [1, 3, 2, 3, -1, 0];

/** How often each index is chosen, as a share. */
function shares(sampling: Sampling, draws = 20_000): number[] {
  const random = randomNumbers(5);
  const counts = scores.map(() => 0);
  for (let i = 0; i < draws; i++) {
    const chosen = sample(scores, sampling, random);
    counts[chosen] = (counts[chosen] as number) + 1;
  }
  return counts.map((count) => count / draws);
}

/** The probabilities of some indices alone, by Math.exp. */
function probabilities(kept: readonly number[], temperature: number): number[] {
  const weights = scores.map((score, i) => (kept.includes(i) ? Math.exp(score / temperature) : 0));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

describe('sampling', () => {
  it('takes the highest score at temperature 0, the first of equal ones', () => {
    expect(sample(scores, {}, () => 0.99)).toBe(1);
    expect(sample([-5, -7], { temperature: 0 }, () => 0.99)).toBe(0);
  });

  // exp(3) twice, exp(2), exp(1), exp(0), exp(−1): shares 0.39, 0.39, 0.14, 0.05, 0.02, 0.01
  it.each<[string, Sampling, number[], number]>([
    ['all', { temperature: 1 }, [0, 1, 2, 3, 4, 5], 1],
    ['colder', { temperature: 0.5 }, [0, 1, 2, 3, 4, 5], 0.5],
    ['top-k', { temperature: 1, topK: 3 }, [1, 2, 3], 1],
    ['top-p within the second', { temperature: 1, topP: 0.7 }, [1, 3], 1],
    ['top-p within the third', { temperature: 1, topP: 0.8 }, [1, 2, 3], 1],
    ['min-p above exp(−2)', { temperature: 1, minP: 0.13 }, [0, 1, 2, 3], 1],
    ['min-p below exp(−1)', { temperature: 1, minP: 0.37 }, [1, 3], 1],
    ['all of them', { temperature: 2, topK: 4, topP: 0.6, minP: 0.1 }, [1, 3], 2],
  ])('%s: each as often as its probability among those that are left', (_, sampling, kept, temperature) => {
    const found = shares(sampling);
    probabilities(kept, temperature).forEach((wanted, i) => {
      if (wanted === 0) expect(found[i]).toBe(0);
      else expect(Math.abs((found[i] as number) - wanted)).toBeLessThan(0.012);
    });
  });

  it('makes the same choices from the same seed, and others from another', () => {
    const first = (seed: number) => {
      const random = randomNumbers(seed);
      return Array.from({ length: 8 }, () => random());
    };
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
    // the first number of mulberry32 of seed 1
    expect(first(1)[0]).toBeCloseTo(0.6270739405881613, 12);
  });

  it('computes exponentials to the precision of doubles', () => {
    for (let x = 0; x > -690; x -= 0.37) expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(2e-15);
    expect(exponential(-800)).toBe(0);
  });

  it.each([
    [{ temperature: -1 }, /temperature/],
    [{ temperature: Number.NaN }, /temperature/],
    [{ topK: 1.5 }, /top-k/],
    [{ topP: 0 }, /top-p/],
    [{ minP: 2 }, /min-p/],
  ])('refuses %j', (sampling, message) => {
    expect(() => checkSampling(sampling)).toThrow(message);
  });
});
