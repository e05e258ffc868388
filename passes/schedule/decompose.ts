import { defineRewritePass } from '../../src/pass/define.ts';
import type { Rule } from '../../src/rewrite/index.ts';
import { isAttended } from '../attended.ts';
import { refusingSymbols } from '../symbolicShapes.ts';
import { ifRules } from '../transform/joinBranches.ts';
import { arithmeticRules } from './decompose/arithmetic.ts';
import { attentionRule } from './decompose/attention.ts';
import { axisRules } from './decompose/axes.ts';
import { blockRules } from './decompose/blocks.ts';
import { gruCellRule } from './decompose/gruCell.ts';
import { loopRules } from './decompose/loop.ts';
import { lstmCellRule } from './decompose/lstmCell.ts';
import { ngramRules } from './decompose/ngrams.ts';
import { resampleRules } from './decompose/resample.ts';
import { resizeRules } from './decompose/resize.ts';
import { rotaryRule } from './decompose/rotary.ts';
import { rowDcastRule } from './decompose/rowDcast.ts';
import { sizesRule } from './decompose/sizes.ts';

/** What the pass rewrites. */
export const decomposed: readonly Rule[] = [
  ...ifRules,
  ...loopRules,
  ...axisRules,
  ...resizeRules,
  ...resampleRules,
  ...blockRules,
  ...ngramRules,
  ...arithmeticRules,
  { ...attentionRule, apply: (op, rewriter) => !isAttended(op) && attentionRule.apply(op, rewriter) },
  rowDcastRule,
  rotaryRule,
  sizesRule,
  lstmCellRule,
  gruCellRule,
];

/** The rule, which refuses an op by its name where it needs a size that is not a number. */
const namingSizes = (rule: Rule): Rule => ({
  ...rule,
  apply: (op, rewriter) => refusingSymbols(op, () => rule.apply(op, rewriter)),
});

export const decompose = defineRewritePass({
  name: 'decompose',
  summary: 'Says ops that have no kernel by those that have: resizes and borders as gathers, tiles as broadcasts.',
  phase: 'schedule',
  preserves: { tolerance: 1e-5 },
  rules: decomposed.map(namingSizes),
});
