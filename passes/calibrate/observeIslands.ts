import { concat } from '../../dialects/nn/concat.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { type Module, quantOf, Rewriter, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { constantOf } from '../constants.ts';
import { isFloat32 } from '../quantize/capabilities.ts';

/** Marks the float values that are left between quantized layers, and before and after them. */
export const observeIslands = definePass({
  name: 'observe-islands',
  summary: 'Marks the values that are still float after quantize, for calibration.',
  phase: 'calibrate',
  preserves: 'bits',
  run(module) {
    const rewriter = new Rewriter();
    islandValues(module).forEach((value, i) => {
      const { op } = value;
      if (op) rewriter.after(op);
      else rewriter.atStart(module.main.body);
      const source = op?.source || value.name || '';
      const attributes = { stats: `island ${i} ${source}`, informative: false, row: scoresInRow(value) };
      rewriter.create(observe, { x: value }, attributes, { source });
    });
  },
});

/** Float inputs and results that are no moved ones, without those whose range a constant or a quantized type tells. */
function islandValues(module: Module): Value[] {
  const { body } = module.main;
  const made = [...body.ops()].filter(
    (op) => (op.definition.typing !== 'moves' || concat.is(op)) && !hasKnownRange(op.operands[0], dcast.is(op)),
  );
  return [...body.args, ...made.flatMap((op) => op.results)].filter(
    (value) => isFloat32(value) && !constantOf(value) && value.users.size > 0,
  );
}

/** The length of a row of scores that only a softmax over the last axis reads; else 0. */
function scoresInRow(value: Value): number {
  const { shape } = value.type as TensorType;
  const last = shape.length - 1;
  const areScores = [...value.users].every((user) => softmax.is(user) && softmax.attributesOf(user).axis === last);
  return areScores ? Number(shape[last]) : 0;
}

/** Whether a cast to float reads codes of few bits; accumulators have a range of their own to be found. */
function hasKnownRange(operand: Value | undefined, isCast: boolean): boolean {
  return isCast && quantOf(operand?.type as TensorType)?.storage !== 'i32';
}
