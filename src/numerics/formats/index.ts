/** Number formats below 16 bits: grids of numbers, scales of blocks, and bit packing. */
export * from './bipolar.ts';
export * from './bitPacking.ts';
export * from './codebook.ts';
export * from './format.ts';
export * from './grid.ts';
export * from './integer.ts';
export * from './minifloat.ts';
export * from './named.ts';
export * from './powerOfTwo.ts';
export * from './scale.ts';
export * from './scaleSteps.ts';
export * from './ternary.ts';
