import { defineOp } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';

export const fused = defineOp({
  name: 'nn.fused',
  summary: 'Its region, run in place on the inputs: one kernel.',
  operands: { inputs: 'variadic' },
  results: 'variadic',
  regions: 1,
  domain: 'codes',
  typing: 'declared',
  evaluate({ inputs }, _, { regions }) {
    const [region] = regions;
    if (!region) throw new InternalError('nn.fused has no region');
    return region(inputs);
  },
});
