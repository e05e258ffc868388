import { conv } from '../../dialects/nn/conv.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import { type Attributes, type Op, Rewriter, staticShape, type TensorType } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { isLinear } from '../channels.ts';
import { skipOption } from '../quantize/keptInFloat.ts';
import { LayerSchemes, recipeOption } from '../quantize/layerSchemes.ts';
import { planQuantization } from '../quantize/plan.ts';

/**
 * Marks the values whose ranges `quantize` will ask for: what passes a clamp, not what enters it; no constants. And
 * the inputs of layers with weights, whose means bias correction needs.
 */
export const insertObservers = definePass({
  name: 'insert-observers',
  summary: 'Marks the activations that will be quantized, for calibration.',
  phase: 'calibrate',
  options: { skip: skipOption, recipe: recipeOption },
  preserves: 'bits',
  run(module, { skip, recipe }) {
    const { body } = module.main;
    const rewriter = new Rewriter();
    const freshName = namer();
    const plan = planQuantization(body, new LayerSchemes(module, recipe, skip).notStatic);
    for (const value of plan.ranges) {
      const { op } = value;
      if (op) rewriter.after(op);
      else rewriter.atStart(body);
      const source = op?.source || value.name || '';
      rewriter.create(observe, { x: value }, { stats: freshName(source || 'value') }, { source });
    }
    for (const op of plan.ops) {
      if (!hasWindows(op)) continue;
      const x = op.operand(0);
      const stats = freshName(`${op.source || 'layer'} input`);
      rewriter.setOperand(op, 0, rewriter.before(op).create(observeWindows, { x }, { stats, ...windowOf(op) }).result);
    }
  },
});

/** Whether bias correction knows what to do with the mean of an op's windows. */
function hasWindows(op: Op): boolean {
  if (!isLinear(op)) return false;
  const isStatic = (op.operand(0).type as TensorType).shape.every((dim) => typeof dim === 'number');
  return isStatic && (conv.is(op) || (op.operand(1).type as TensorType).shape.length === 2);
}

function windowOf(op: Op): Attributes {
  if (!conv.is(op)) return {};
  const { strides, pads, dilations } = conv.attributesOf(op);
  return { kernel: staticShape(op.operand(1).type as TensorType).slice(2), strides, pads, dilations };
}

/** Gives each name once: `name`, `name#2`, … */
function namer(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    let candidate = name;
    for (let i = 2; taken.has(candidate); i++) candidate = `${name}#${i}`;
    taken.add(candidate);
    return candidate;
  };
}
