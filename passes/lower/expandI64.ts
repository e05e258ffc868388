import { lanewisePrimitives } from '../../dialects/kernel/index.ts';
import { mulShiftIn32 } from '../../dialects/kernel/wide.ts';
import { definePass } from '../../src/pass/define.ts';
import type { Target } from '../../src/target/index.ts';
import { rebuildKernel } from './rebuildKernel.ts';

export const expandI64 = definePass({
  name: 'expand-i64',
  summary: 'On targets without 64-bit integers, writes 64-bit products as products of 16-bit halves.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    if ((context.target as Target | undefined)?.longIntegers !== false) return;
    for (const [name, func] of module.functions) {
      if (func.kind !== 'kernel') continue;
      const expanded = rebuildKernel(func, {
        element: ({ element }) => element,
        op({ k, of }, op) {
          if (op.definition !== lanewisePrimitives.mul_shift.definition) return undefined;
          return [[mulShiftIn32(k, of(op.operand(0)), of(op.operand(1)), op.attributes.shift as number)]];
        },
      });
      module.functions.set(name, expanded);
    }
  },
});
