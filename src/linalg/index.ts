export * from './upperFactor.ts';
