import type { OnnxMapping } from '../../../src/ir/index.ts';
import { attentionMappings } from './attention.ts';
import { convTransposeMappings } from './convTranspose.ts';
import { indexingMappings } from './indexing.ts';
import { lossMappings } from './losses.ts';
import { normalizationMappings } from './normalizations.ts';
import { resizeMappings } from './resizing.ts';
import { rotaryMappings } from './rotary.ts';

/** ONNX operators that have no op of their own: they are written as ops of the core. */
export const composedMappings: readonly OnnxMapping[] = [
  ...attentionMappings,
  ...convTransposeMappings,
  ...indexingMappings,
  ...lossMappings,
  ...normalizationMappings,
  ...resizeMappings,
  ...rotaryMappings,
];
