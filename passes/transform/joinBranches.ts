import { ifOp } from '../../dialects/nn/if.ts';
import type { Block, Value } from '../../src/ir/index.ts';
import { defineRewritePass } from '../../src/pass/define.ts';
import { op, rule } from '../../src/rewrite/index.ts';
import { chosen, inlined, isPlain, sameTypes } from './regions.ts';

export const ifRules = [
  // if(c){a}else{b} == where(c, a, b): ops have no effects; what one way alone needs is not run on the other
  rule('if-as-choice', op(ifOp), ({ root }, rewriter) => {
    const [yes, no] = root.regions as [Block, Block];
    if (!isPlain(yes) || !isPlain(no)) return undefined;
    const { condition, inputs } = ifOp.operandsOf(root);
    const given = [yes, no].map((region) => (region.last?.operands ?? []) as Value[]) as [Value[], Value[]];
    if (!sameTypes(given[0], given[1]) || !sameTypes(given[0], root.results)) return undefined;
    if (![yes, no].every((region) => sameTypes(region.args, inputs))) return undefined;
    const ways = [yes, no].map((region) => inlined(rewriter, region, inputs)) as [Value[], Value[]];
    return [...chosen(rewriter, condition, ways[0], ways[1])];
  }),
];

export const joinBranches = defineRewritePass({
  name: 'join-branches',
  summary: 'Writes both ways of a branch out, and a choice between their results: every layer is in one graph.',
  phase: 'transform',
  preserves: 'bits',
  rules: ifRules,
});
