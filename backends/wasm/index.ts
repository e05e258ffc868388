export * from './host.ts';
export * from './package.ts';
export * from './target.ts';
