export { applyInputFormat } from './convert.ts';
export { type Dataset, type DatasetOptions, loadDataset } from './dataset.ts';
export { type InputFormat, parseInputFormat } from './inputFormat.ts';
export { readNpy, writeNpy } from './npy.ts';
export { readNpz, writeNpz } from './npz.ts';
export type { InputSignature } from './signature.ts';
export type { DataFiles } from './source.ts';
