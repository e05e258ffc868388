export const observerNames = [
  'minmax',
  'moving-average',
  'percentile',
  'mse',
  'lp',
  'entropy',
  'token',
  'channel',
  'log2',
] as const;
export type ObserverName = (typeof observerNames)[number];
