import type { Op, OpDefinition } from '../../src/ir/index.ts';
import * as memory from './memory.ts';
import { mma } from './mma.ts';
import { narrowCodes } from './narrowCodes.ts';
import { packCodes } from './packCodes.ts';
import * as packing from './packing.ts';
import { lanewisePrimitives } from './primitive.ts';
import * as structure from './structure.ts';
import * as vector from './vector.ts';

export * from './arithmeticBuilder.ts';
export * from './builder.ts';
export * from './memory.ts';
export * from './mma.ts';
export { narrowCodes } from './narrowCodes.ts';
export { packCodes } from './packCodes.ts';
export * from './packing.ts';
export { type LanewiseName, lanewisePrimitives } from './primitive.ts';
export * from './structure.ts';
export * as vector from './vector.ts';

/** What kernels want of constants. */
const packings: readonly OpDefinition[] = [...Object.values(packing), packCodes, narrowCodes];

/** Whether an op is folded before there is a program: its result is among the weights. */
export const isPacking = ({ definition }: Op): boolean => packings.includes(definition);

/** Every op of the dialect. */
export const kernelOps: readonly OpDefinition[] = [
  ...Object.values(structure),
  ...Object.values(memory),
  ...Object.values(vector),
  ...packings,
  mma,
  ...Object.values(lanewisePrimitives).map((primitive) => primitive.definition),
];
