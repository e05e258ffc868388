import { lp, mse } from './leastError.ts';
import { minmax } from './minmax.ts';
import type { Observer } from './observer.ts';
import { percentile } from './percentile.ts';

export type { Observer, Range } from './observer.ts';

export const observerNames = ['minmax', 'percentile', 'mse', 'lp'] as const;

/** The observer called `name`; `percent` is for `percentile` alone. */
export function observerOf(name: (typeof observerNames)[number], percent: number): Observer {
  switch (name) {
    case 'minmax':
      return minmax;
    case 'percentile':
      return percentile(percent);
    case 'mse':
      return mse;
    case 'lp':
      return lp;
  }
}
