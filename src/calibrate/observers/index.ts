import { channel } from './channel.ts';
import { entropy } from './entropy.ts';
import { lp, mse } from './leastError.ts';
import { log2 } from './log2.ts';
import { minmax } from './minmax.ts';
import { movingAverage } from './movingAverage.ts';
import type { ObserverName } from './names.ts';
import type { Observer } from './observer.ts';
import { percentile } from './percentile.ts';
import { token } from './token.ts';

export { type ObserverName, observerNames } from './names.ts';
export { type Observer, type Range, type Seen, withZero } from './observer.ts';

/** The observer called `name`; `percent` is for `percentile` alone. */
export function observerOf(name: ObserverName, percent: number): Observer {
  switch (name) {
    case 'minmax':
      return minmax;
    case 'moving-average':
      return movingAverage;
    case 'percentile':
      return percentile(percent);
    case 'mse':
      return mse;
    case 'lp':
      return lp;
    case 'entropy':
      return entropy;
    case 'token':
      return token;
    case 'channel':
      return channel;
    case 'log2':
      return log2;
  }
}
