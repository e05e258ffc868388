export { hasOpenSizes } from './bind.ts';
export * from './evaluate.ts';
export { type InterpretOptions, interpret, type Tensors } from './interpret.ts';
export { Recollection } from './recollection.ts';
export { fromReals, type Precision, toReals } from './represent.ts';
export { Stream } from './stream.ts';
