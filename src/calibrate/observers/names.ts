export const observerNames = ['minmax', 'moving-average', 'percentile', 'mse', 'lp', 'entropy'] as const;
export type ObserverName = (typeof observerNames)[number];
