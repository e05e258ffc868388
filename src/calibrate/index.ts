export { Histogram } from './histogram.ts';
export { type Observer, observerNames, observerOf, type Range } from './observers/index.ts';
export { loadRange, storeRange, storeWindow, takeWindow } from './ranges.ts';
export {
  emptyStatistics,
  mergeStatistics,
  parseStatistics,
  printStatistics,
  type Statistics,
  type WindowSums,
} from './statistics.ts';
