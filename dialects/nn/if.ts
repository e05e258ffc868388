import { defineOp } from '../../src/ir/index.ts';
import { InternalError } from '../../src/support/diagnostics.ts';

/** The regions are isolated: what they need comes in as `inputs`, the arguments of both. */
export const ifOp = defineOp({
  name: 'nn.if',
  summary: 'Runs the first region on the inputs where the condition holds, else the second.',
  operands: { condition: 'required', inputs: 'variadic' },
  results: 'variadic',
  regions: 2,
  domain: 'codes',
  typing: 'declared',
  dataDependent: true,
  evaluate({ condition, inputs }, _, { regions }) {
    const region = regions[condition.data[0] ? 0 : 1];
    if (!region) throw new InternalError('nn.if needs two regions');
    return region(inputs);
  },
});
