import type { OnnxMapping } from '../../ir/index.ts';
import { attentionContribMappings } from './attentionContrib.ts';
import { fusedContribMappings } from './fusedContrib.ts';
import { matmulNBitsMappings } from './matmulNBits.ts';
import { qlinearMappings } from './qlinear.ts';
import { qlinearContribMappings } from './qlinearContrib.ts';
import { quantizeMappings } from './quantizeLinear.ts';

/** Operators on codes, and those of onnxruntime: each becomes several ops. */
export const operatorMappings: readonly OnnxMapping[] = [
  ...quantizeMappings,
  ...qlinearMappings,
  ...qlinearContribMappings,
  ...matmulNBitsMappings,
  ...fusedContribMappings,
  ...attentionContribMappings,
];
