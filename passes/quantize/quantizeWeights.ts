import { matmul } from '../../dialects/nn/matmul.ts';
import { type Module, type Op, Rewriter, type TensorType } from '../../src/ir/index.ts';
import type { Products } from '../../src/linalg/index.ts';
import { definePass, type PassContext } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import {
  isFloatActivation,
  isStatic,
  type LayerChoice,
  roundsBySamples,
  type WeightRounding,
  type WeightScheme,
  weightText,
} from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { isLinear } from '../channels.ts';
import { constantName, createConstant, floatConstantOf } from '../constants.ts';
import { isStoredMatrix } from '../storedMatrix.ts';
import { adaRounding } from './adaRound.ts';
import { DynamicProducts } from './dynamicProduct.ts';
import { FloatActivations } from './floatActivations.ts';
import { gptqRounding } from './gptq.ts';
import { hessiansOf, productsOf } from './hessians.ts';
import { skipOption } from './keptInFloat.ts';
import { LayerSchemes, recipeOption } from './layerSchemes.ts';
import { type ErrorsOf, storeWeights, widthsText } from './mixedWidths.ts';
import { outputErrors } from './outputErrors.ts';
import { type Rounding, roundToNearest } from './storedWeights.ts';

/**
 * Stores the weights of matrix products as codes, and has their activations quantized row by row at run time where the
 * scheme asks for it. It needs calibration data for roundings that look at samples alone. Weights that are codes already keep theirs.
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
    const [dynamic, floats] = [new DynamicProducts(rewriter), new FloatActivations(rewriter)];
    let stored = 0;
    for (const op of [...module.main.body.ops()]) {
      const choice = schemes.of(op);
      if (!choice.weights || isStatic(choice)) continue;
      if (storeLayer(op, choice.weights, rewriter, roundingOf(op), context)) stored++;
      if (isStoredMatrix(op.operands[1]) && matmul.is(op)) quantizeActivations(op, choice, dynamic, floats);
    }
    // the float constants that nothing reads any more
    applyGreedily(module.main.body, []);
    context.report(`stored the weights of ${stored} layers as codes`);
  },
});

/** Whether the float weights of a layer have become codes. */
function storeLayer(
  op: Op,
  scheme: WeightScheme,
  rewriter: Rewriter,
  { round, errors }: LayerRounding,
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
  const { codes, type } = storeWeights(weights, scheme, round, errors);
  if (scheme.mixed) {
    const mixed = widthsText(type, weights.shape[1] as number);
    report(`${op.source}: outputs ${mixed}`);
    const reason = `its outputs have widths of their own, by ${errors ? 'the error of results' : 'the error of weights'}`;
    decide?.({ node: op.source, reason: `${reason}: ${mixed}`, weights: weightText(scheme) });
  }
  rewriter.before(op);
  const value = createConstant(rewriter, constantName(op.operand(1), op.source), codes, type);
  rewriter.setOperand(op, 1, value);
  return true;
}

/** How the codes of a layer are chosen, and what their widths are chosen by where samples tell. */
interface LayerRounding {
  readonly round: Rounding;
  readonly errors?: ErrorsOf;
}

/** How the codes of each layer are chosen. */
async function roundingsFor(
  module: Module,
  schemes: LayerSchemes,
  context: PassContext,
): Promise<(op: Op) => LayerRounding> {
  const layers = [...module.main.body.ops()].filter((op) => {
    const choice = schemes.of(op);
    if (!roundsBySamples(choice) || isStatic(choice) || !isLinear(op)) return false;
    return refusalOf(op, floatConstantOf(op.operands[1]) as HostTensor) === undefined;
  });
  const nearest: LayerRounding = { round: roundToNearest };
  if (layers.length === 0) return () => nearest;
  const roundingOf = (op: Op) => schemes.of(op).weights?.rounding as keyof typeof methods;
  const what = [...new Set(layers.map(roundingOf))].join(' and ');
  const hessians = await hessiansOf(module, [...new Set(layers.map((op) => op.operand(0)))], context, what);
  const products = await productsOf(context);
  const chosen = new Map(layers.map((op) => [op, hessians.get(op.operand(0)) as Float64Array]));
  return (op) => {
    const hessian = chosen.get(op);
    const report = (outcome: string) => context.report(`${op.source}: ${outcome}`);
    if (!hessian) return nearest;
    return {
      round: methods[roundingOf(op)](hessian, report, products),
      errors: (deltas, outputs) => outputErrors(hessian, deltas, deltas.length / outputs, outputs, products),
    };
  };
}

type Method = (hessian: Float64Array, report: (outcome: string) => void, products: Products) => Rounding;

/** Roundings that look at samples, each with what it says of a layer. */
const methods: Readonly<Record<Exclude<WeightRounding, 'nearest'>, Method>> = {
  gptq: (hessian, report, products) =>
    gptqRounding(
      hessian,
      ({ ratio, damping }) =>
        report(damping === undefined ? 'rounded to nearest: its inputs do not span a space' : told('gptq', ratio)),
      products,
    ),
  adaround: (hessian, report, products) =>
    adaRounding(hessian, ({ ratio }) => report(told('adaround', ratio)), products),
};

const told = (method: string, ratio: number): string =>
  ratio < 1 ? `${method}, error × ${ratio.toPrecision(3)}` : `rounded to nearest: ${method} makes its error no smaller`;

function refusalOf(op: Op, weights: HostTensor): string | undefined {
  if (!matmul.is(op)) return 'weights of convolutions are stored by channel, with calibrated activations alone';
  if (weights.shape.length !== 2) return 'its weights are a stack of matrices';
  if (weights.data.length === 0 || !(weights.data as Float32Array).every(Number.isFinite))
    return 'a weight is no number';
  return undefined;
}

function quantizeActivations(
  op: Op,
  { activations }: LayerChoice,
  dynamic: DynamicProducts,
  floats: FloatActivations,
): void {
  if (!activations || (op.operand(0).type as TensorType).element !== 'f32') return;
  const { storage, symmetric } = activations;
  if (isFloatActivation(storage)) floats.round(op, activations, storage);
  else dynamic.replace(op, symmetric);
}
