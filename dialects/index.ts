import { Registry } from '../src/ir/index.ts';
import * as int from './int/index.ts';
import { kernelOps } from './kernel/index.ts';
import { nnOps } from './nn/index.ts';
import * as quant from './quant/index.ts';

/** Every op of every dialect, by name. */
export const registry: Registry = new Registry([
  ...nnOps,
  ...Object.values(quant).flat(),
  ...Object.values(int).flat(),
  ...kernelOps,
]);
