import { type Observer, withZero } from './observer.ts';

/** Everything that was seen: nothing saturates on the calibration data. */
export const minmax: Observer = {
  name: 'minmax',
  summary: 'from the smallest value seen to the largest',
  choose: ({ histogram }) => withZero(histogram),
};
