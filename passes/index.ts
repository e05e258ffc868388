import type { Pass } from '../src/pass/define.ts';
import { calibrate, calibrateIslands } from './calibrate/calibrate.ts';
import { insertObservers } from './calibrate/insertObservers.ts';
import { observeIslands } from './calibrate/observeIslands.ts';
import { fuseClamp } from './fuse/clamp.ts';
import { fuseEpilogues } from './fuse/epilogues.ts';
import { appendStates } from './import/appendStates.ts';
import { bindDims } from './import/bindDims.ts';
import { canonicalize } from './import/canonicalize.ts';
import { foldConstants } from './import/foldConstants.ts';
import { widenFloats } from './import/widenFloats.ts';
import { integerBorder } from './integer/border.ts';
import { expandDcast } from './integer/expandDcast.ts';
import { storeCaches } from './integer/storeCaches.ts';
import { toInteger } from './integer/toInteger.ts';
import { bufferize } from './lower/bufferize.ts';
import { expandHalves } from './lower/expandHalves.ts';
import { expandI64 } from './lower/expandI64.ts';
import { foldPacking } from './lower/foldPacking.ts';
import { lowerKernels } from './lower/kernels.ts';
import { packWords } from './lower/packWords.ts';
import { shareLoops } from './lower/shareLoops.ts';
import { allocateBits } from './quantize/allocateBits.ts';
import { quantizeIslands } from './quantize/islands.ts';
import { quantize } from './quantize/quantize.ts';
import { quantizeWeights } from './quantize/quantizeWeights.ts';
import { raiseActivations } from './quantize/raiseActivations.ts';
import { raiseQdq } from './quantize/raiseQdq.ts';
import { attendCaches } from './schedule/attendCaches.ts';
import { chooseLayout } from './schedule/chooseLayout.ts';
import { decompose } from './schedule/decompose.ts';
import { explicitPadding } from './schedule/explicitPadding.ts';
import { floatRescale } from './schedule/floatRescale.ts';
import { lookUpProducts } from './schedule/lookUpProducts.ts';
import { requireStatic } from './schedule/requireStatic.ts';
import { turnSigns } from './schedule/turnSigns.ts';
import { uniformShift } from './schedule/uniformShift.ts';
import { expandAttention } from './transform/expandAttention.ts';
import { expandComposed } from './transform/expandComposed.ts';
import { foldAffine } from './transform/foldAffine.ts';
import { foldBatchNorm } from './transform/foldBatchNorm.ts';
import { joinBranches } from './transform/joinBranches.ts';
import { recognizeActivations } from './transform/recognize/activations.ts';
import { recognizeAttention } from './transform/recognize/attention.ts';
import { recognizeNorms } from './transform/recognize/norms.ts';
import { recognizeRotary } from './transform/recognize/rotary.ts';
import { recognizeSoftmax } from './transform/recognize/softmax.ts';
import { rotateHeads } from './transform/rotation/heads.ts';
import { rotateInputs } from './transform/rotation/inputs.ts';
import { reorderChannels } from './transform/rotation/reorder.ts';
import { rotateResidual } from './transform/rotation/residual.ts';
import { rotateScores } from './transform/rotation/scores.ts';
import { awq } from './transform/scaling/awq.ts';
import { absorbBiases } from './transform/scaling/biasAbsorption.ts';
import { equalizeLayers } from './transform/scaling/crossLayer.ts';
import { outlierSuppression } from './transform/scaling/outlierSuppression.ts';
import { repQuant } from './transform/scaling/repQuant.ts';
import { smoothQuant } from './transform/scaling/smoothQuant.ts';
import { stepRecurrent } from './transform/steps/stepRecurrent.ts';

/** Every pass, in the order of the phases. */
export const allPasses: readonly Pass[] = [
  bindDims,
  appendStates,
  canonicalize,
  widenFloats,
  joinBranches,
  foldConstants,
  recognizeActivations,
  recognizeNorms,
  recognizeRotary,
  recognizeSoftmax,
  recognizeAttention,
  foldBatchNorm,
  foldAffine,
  fuseClamp,
  smoothQuant,
  outlierSuppression,
  awq,
  equalizeLayers,
  absorbBiases,
  repQuant,
  reorderChannels,
  rotateResidual,
  rotateHeads,
  rotateScores,
  rotateInputs,
  stepRecurrent,
  insertObservers,
  calibrate,
  raiseActivations,
  quantize,
  allocateBits,
  quantizeWeights,
  storeCaches,
  raiseQdq,
  expandAttention,
  expandComposed,
  observeIslands,
  calibrateIslands,
  quantizeIslands,
  toInteger,
  expandDcast,
  integerBorder,
  requireStatic,
  attendCaches,
  decompose,
  floatRescale,
  uniformShift,
  explicitPadding,
  chooseLayout,
  turnSigns,
  lookUpProducts,
  fuseEpilogues,
  lowerKernels,
  expandHalves,
  expandI64,
  packWords,
  foldPacking,
  bufferize,
  shareLoops,
];
