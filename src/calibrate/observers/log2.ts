import { elementary } from '../../numerics/index.ts';
import { leastError, lp } from './leastError.ts';
import type { Observer } from './observer.ts';

/** What rounds to 0 counts as a quarter of a step: nearer to 0 than anything that has a code, and no infinity away. */
const zeroAs = 0.25;

/**
 * Shares of a softmax span many powers of two, and small ones act together: their errors are counted in powers of two,
 * as those of a code of logarithms are. Source of the measure: Lin et al., FQ-ViT (2022), section 3.3 (Log-Int-Softmax).
 */
const shares: Observer = leastError('log2', 'with the smallest mean squared error of the logarithm', (x, y, step) => {
  if (x === 0) return 0;
  const e = elementary.log(Math.max(Math.abs(y), zeroAs * step) / Math.abs(x));
  return e * e;
});

export const log2: Observer = {
  name: 'log2',
  summary: 'of results of softmax: with the smallest mean squared error of their logarithm; of others as `lp`',
  choose: (seen) => (seen.isShare ? shares : lp).choose(seen),
};
