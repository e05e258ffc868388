export * from './allocation.ts';
export * from './upperFactor.ts';
