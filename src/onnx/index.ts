export { type ImportOptions, importOnnx } from './import.ts';
export { Mappings } from './mappings.ts';
