export * from './diff.ts';
export * from './dot.ts';
export * from './fold.ts';
export * from './view.ts';
