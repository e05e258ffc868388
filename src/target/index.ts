export * from './intrinsic.ts';
export * from './roofline.ts';
export * from './schedule.ts';
export * from './target.ts';
