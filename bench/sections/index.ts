import type { Section } from '../section.ts';
import { compileTime } from './compileTime.ts';
import { decode } from './decode.ts';
import { fewBits } from './fewBits.ts';
import { kernelShapes, kernels } from './kernels.ts';
import { sequenceLengths } from './lengths.ts';
import { models } from './models.ts';
import { start } from './start.ts';
import { threads } from './threads.ts';
import { webgpu } from './webgpu.ts';
import { wllama } from './wllama.ts';

/** The parts of the report, in its order. */
export const sections: readonly Section[] = [
  kernels,
  kernelShapes,
  fewBits,
  wllama,
  models,
  webgpu,
  start,
  threads,
  sequenceLengths,
  decode,
  compileTime,
];
