import { isLinear } from '../../../passes/channels.ts';
import { isContraction } from '../../../passes/quantize/capabilities.ts';
import { isStoredMatrix } from '../../../passes/storedMatrix.ts';
import type { Module, Op } from '../../ir/index.ts';
import type { Decision, Instrument } from '../../pass/index.ts';
import {
  activationText,
  isFloatLayer,
  isStatic,
  type LayerChoice,
  layerChoice,
  type Recipe,
  weightText,
} from '../../scheme/index.ts';

/** How the numbers of one layer are stored, and why. */
export interface LayerExplanation {
  /** The model's own name of the node. */
  readonly node: string;
  readonly op: string;
  readonly multiplyAdds: number;
  /** In words, such as `i8, a scale a channel`, or `float`. */
  readonly weights: string;
  readonly activations: string;
  /** What decided it: the scheme, a rule of the recipe, or why the layer stays float. */
  readonly reason: string;
}

/** Collects what is decided about each contraction while the passes run. */
export interface Explainer {
  readonly instrument: Instrument;
  readonly decide: (decision: Decision) => void;
  readonly explanations: () => readonly LayerExplanation[];
}

/** An explainer of one run under a recipe. */
export function explainer(recipe: Recipe): Explainer {
  let layers: LayerExplanation[] | undefined;
  const decisions = new Map<string, Decision>();
  return {
    instrument: {
      before({ pass }, module) {
        if (pass.phase === 'calibrate' || pass.phase === 'quantize') layers ??= asked(module, recipe);
      },
    },
    decide: (decision) => decisions.set(decision.node, decision),
    explanations: () =>
      (layers ?? []).map((layer) => {
        const decision = decisions.get(layer.node);
        if (!decision) return layer;
        const { reason, weights } = decision;
        return weights ? { ...layer, weights, reason } : { ...layer, weights: 'float', activations: 'float', reason };
      }),
  };
}

/** What the recipe asks for, for each sum of products. */
function asked(module: Module, recipe: Recipe): LayerExplanation[] {
  const layers = [...module.main.body.ops()].filter((op) => isContraction(op) || isStoredMatrix(op.operands[1]));
  return layers.map((op) => {
    const choice = choiceOf(op, layerChoice(recipe, op.source));
    return {
      node: op.source,
      op: op.name,
      multiplyAdds: op.definition.cost(op).multiplyAdds,
      weights: isStoredMatrix(op.operands[1]) ? 'codes of the model' : weightText(choice.weights),
      activations: activationText(choice.activations),
      reason: choice.reason,
    };
  });
}

/** What becomes of a choice: two activations have no weights that could be stored. */
function choiceOf(op: Op, choice: LayerChoice): LayerChoice {
  if (isFloatLayer(choice)) return { reason: `${choice.reason}: nothing is quantized` };
  if (isStatic(choice)) return isStoredMatrix(op.operands[1]) ? { reason: 'weights that are codes already' } : choice;
  return isStoredMatrix(op.operands[1]) || isLinear(op) ? choice : { reason: 'both its operands are computed' };
}
