/**
 * qc's own elementary functions in f64. They use + − · / sqrt, floor and exact scaling alone, so that every engine
 * computes the same bits; `Math.exp` and its like differ between engines and never reach an artifact.
 */

export * from './elementary/activations.ts';
export * from './elementary/errorfunction.ts';
export { cosh, exp, expm1, sigmoid, sinh, tanh } from './elementary/exponential.ts';
export * from './elementary/logarithm.ts';
export { pow } from './elementary/power.ts';
export * from './elementary/trigonometric.ts';
