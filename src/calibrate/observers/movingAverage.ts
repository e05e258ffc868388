import { type Observer, withZero } from './observer.ts';

/**
 * The running mean of the extremes of each sample, all of equal weight: unlike an exponential average it does not
 * depend on the order of the samples, and parts of the data merge exactly.
 */
export const movingAverage: Observer = {
  name: 'moving-average',
  summary: 'from the mean of the smallest values of the samples to the mean of the largest',
  choose: ({ average }) => withZero(average),
};
