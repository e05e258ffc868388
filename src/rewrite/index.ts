export * from './greedy.ts';
export * from './pattern.ts';
