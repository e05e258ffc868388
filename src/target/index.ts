export * from './intrinsic.ts';
export * from './target.ts';
