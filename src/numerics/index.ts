/** The numeric contract: every rounding, multiplier, number format and elementary function (docs/numeric-contract.md). */

export * from './angle.ts';
export * from './attention.ts';
export { f32Bits, f32FromBits, pow2, splitExponent } from './bits.ts';
export * from './border.ts';
export * from './butterfly.ts';
export * as elementary from './elementary.ts';
export * from './floats.ts';
export * as formats from './formats/index.ts';
export * from './hadamard.ts';
export * from './interpolation.ts';
export * from './inverseroot.ts';
export * from './layout.ts';
export * from './leasterror.ts';
export * from './multiplier.ts';
export * from './norm.ts';
export * from './pool.ts';
export * from './quantparams.ts';
export * from './rounding.ts';
export * from './softmax.ts';
export * from './squareroot.ts';
export * from './sum.ts';
export * from './table.ts';
export * from './tablefunction.ts';
export * from './weights.ts';
