import type { OnnxMapping } from '../../../src/ir/index.ts';
import { attentionMappings } from './attention.ts';
import { convTransposeMappings } from './convTranspose.ts';
import { einsumMappings } from './einsum.ts';
import { indexingMappings } from './indexing.ts';
import { lossMappings } from './losses.ts';
import { meanMappings } from './means.ts';
import { normalizationMappings } from './normalizations.ts';
import { paddingMappings } from './padding.ts';
import { poolingMappings } from './pooling.ts';
import { resizeMappings } from './resizing.ts';
import { rotaryMappings } from './rotary.ts';
import { slicingMappings } from './slicing.ts';
import { spectralMappings } from './spectral.ts';
import { streamMappings } from './streams.ts';

/** ONNX operators that have no op of their own: they are written as ops of the core. */
export const composedMappings: readonly OnnxMapping[] = [
  ...attentionMappings,
  ...convTransposeMappings,
  ...einsumMappings,
  ...indexingMappings,
  ...lossMappings,
  ...meanMappings,
  ...normalizationMappings,
  ...paddingMappings,
  ...poolingMappings,
  ...resizeMappings,
  ...rotaryMappings,
  ...slicingMappings,
  ...spectralMappings,
  ...streamMappings,
];
