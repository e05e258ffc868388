export { exportOnnx } from './export/export.ts';
export { type ImportOptions, importOnnx } from './import.ts';
export { Mappings } from './mappings.ts';
export { type RefusedOperator, refusedOperators, refusedUses } from './refused.ts';
