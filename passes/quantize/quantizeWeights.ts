import { matmul } from '../../dialects/nn/matmul.ts';
import { type Module, type Op, Rewriter, type TensorType } from '../../src/ir/index.ts';
import { definePass, type PassContext } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import { isStatic, type LayerChoice, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { isLinear } from '../channels.ts';
import { constantName, createConstant, floatConstantOf } from '../constants.ts';
import { isStoredMatrix } from '../storedMatrix.ts';
import { DynamicProducts } from './dynamicProduct.ts';
import { type GptqOutcome, gptqRounding } from './gptq.ts';
import { hessiansOf, productsOf } from './hessians.ts';
import { skipOption } from './keptInFloat.ts';
import { LayerSchemes, recipeOption } from './layerSchemes.ts';
import { roundRows } from './rowScales.ts';
import { type Rounding, roundToNearest, storeMatrix } from './storedWeights.ts';

/**
 * Stores the weights of matrix products as codes, and has their activations quantized row by row at run time where the
 * scheme asks for it. It needs calibration data for GPTQ alone. Weights that are codes already keep theirs.
 */
export const quantizeWeights = definePass({
  name: 'quantize-weights',
  summary: 'Stores weights as codes in groups; activations stay float, or become codes at run time, row by row.',
  phase: 'quantize',
  options: { recipe: recipeOption, skip: skipOption },
  preserves: { snr: 3 },
  async run(module, { recipe, skip }, context) {
    const schemes = new LayerSchemes(module, recipe, skip);
    const roundingOf = await roundingsFor(module, schemes, context);
    const rewriter = new Rewriter();
    const dynamic = new DynamicProducts(rewriter);
    let stored = 0;
    for (const op of [...module.main.body.ops()]) {
      const choice = schemes.of(op);
      if (!choice.weights || isStatic(choice)) continue;
      if (storeWeights(op, choice.weights, rewriter, roundingOf(op), context)) stored++;
      if (isStoredMatrix(op.operands[1]) && matmul.is(op)) quantizeActivations(op, choice, rewriter, dynamic);
    }
    // the float constants that nothing reads any more
    applyGreedily(module.main.body, []);
    context.report(`stored the weights of ${stored} layers as codes`);
  },
});

/** Whether the float weights of a layer have become codes. */
function storeWeights(
  op: Op,
  scheme: WeightScheme,
  rewriter: Rewriter,
  round: Rounding,
  { report, decide }: PassContext,
): boolean {
  if (!isLinear(op)) return false;
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  const reason = refusalOf(op, weights);
  if (reason !== undefined) {
    report(`${op.source}: ${op.name} stays float: ${reason}`);
    decide?.({ node: op.source, reason });
    return false;
  }
  const { codes, type } = storeMatrix(weights, scheme, round);
  rewriter.before(op);
  const value = createConstant(rewriter, constantName(op.operand(1), op.source), codes, type);
  rewriter.setOperand(op, 1, value);
  return true;
}

/** How the codes of each layer are chosen. */
async function roundingsFor(
  module: Module,
  schemes: LayerSchemes,
  context: PassContext,
): Promise<(op: Op) => Rounding> {
  const layers = [...module.main.body.ops()].filter((op) => {
    const choice = schemes.of(op);
    if (choice.weights?.rounding !== 'gptq' || isStatic(choice) || !isLinear(op)) return false;
    return refusalOf(op, floatConstantOf(op.operands[1]) as HostTensor) === undefined;
  });
  if (layers.length === 0) return () => roundToNearest;
  const hessians = await hessiansOf(module, [...new Set(layers.map((op) => op.operand(0)))], context);
  const products = await productsOf(context);
  const chosen = new Map(layers.map((op) => [op, hessians.get(op.operand(0)) as Float64Array]));
  return (op) => {
    const hessian = chosen.get(op);
    const tell = ({ ratio, damping }: GptqOutcome) => {
      const kept = damping === undefined ? 'its inputs do not span a space' : 'gptq makes its error no smaller';
      const outcome = ratio < 1 ? `gptq, error × ${ratio.toPrecision(3)}` : `rounded to nearest: ${kept}`;
      context.report(`${op.source}: ${outcome}`);
    };
    return hessian ? gptqRounding(hessian, tell, products) : roundToNearest;
  };
}

function refusalOf(op: Op, weights: HostTensor): string | undefined {
  if (!matmul.is(op)) return 'weights of convolutions are stored by channel, with calibrated activations alone';
  if (weights.shape.length !== 2) return 'its weights are a stack of matrices';
  if (weights.data.length === 0 || !(weights.data as Float32Array).every(Number.isFinite))
    return 'a weight is no number';
  return undefined;
}

function quantizeActivations(op: Op, choice: LayerChoice, rewriter: Rewriter, dynamic: DynamicProducts): void {
  const { activations } = choice;
  if (!activations || (op.operand(0).type as TensorType).element !== 'f32') return;
  if (activations.storage === 'i8') {
    dynamic.replace(op, activations.symmetric);
    return;
  }
  rewriter.before(op);
  rewriter.setOperand(op, 0, roundRows(rewriter, op.operand(0), op.source));
}
