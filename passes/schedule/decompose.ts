import { defineRewritePass } from '../../src/pass/define.ts';
import { arithmeticRules } from './decompose/arithmetic.ts';
import { axisRules } from './decompose/axes.ts';
import { blockRules } from './decompose/blocks.ts';
import { ifRules } from './decompose/if.ts';
import { loopRules } from './decompose/loop.ts';
import { lstmCellRule } from './decompose/lstmCell.ts';
import { ngramRules } from './decompose/ngrams.ts';
import { resampleRules } from './decompose/resample.ts';
import { resizeRules } from './decompose/resize.ts';
import { rotaryRule } from './decompose/rotary.ts';

export const decompose = defineRewritePass({
  name: 'decompose',
  summary: 'Says ops that have no kernel by those that have: resizes and borders as gathers, tiles as broadcasts.',
  phase: 'schedule',
  preserves: { tolerance: 1e-6 },
  rules: [
    ...ifRules,
    ...loopRules,
    ...axisRules,
    ...resizeRules,
    ...resampleRules,
    ...blockRules,
    ...ngramRules,
    ...arithmeticRules,
    rotaryRule,
    lstmCellRule,
  ],
});
