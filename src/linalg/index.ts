export * from './allocation.ts';
export * from './eigenvectors.ts';
export * from './equalLoss.ts';
export * from './matrix.ts';
export * from './upperFactor.ts';
