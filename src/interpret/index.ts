export * from './evaluate.ts';
export { type InterpretOptions, interpret, type Tensors } from './interpret.ts';
export type { Precision } from './represent.ts';
