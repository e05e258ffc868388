export { exportOnnx } from './export/export.ts';
export { type ImportOptions, importOnnx } from './import.ts';
export type { ImportLimits } from './limits.ts';
export { Mappings } from './mappings.ts';
export { type RefusedOperator, refusedOperators, refusedUses } from './refused.ts';
