export { Histogram } from './histogram.ts';
export { type Observer, observerNames, observerOf, type Range } from './observers/index.ts';
export { loadRange, storeRange } from './ranges.ts';
