export { Histogram } from './histogram.ts';
export {
  type Observer,
  type ObserverName,
  observerNames,
  observerOf,
  type Range,
  type Seen,
  withZero,
} from './observers/index.ts';
export { type ChosenRange, loadRange, storeRange, storeWindow, takeWindow } from './ranges.ts';
export type { Division, SliceKind } from './slices.ts';
export {
  emptyStatistics,
  mergeStatistics,
  parseStatistics,
  printStatistics,
  type Statistics,
  ValueStatistics,
  type WindowSums,
} from './statistics.ts';
