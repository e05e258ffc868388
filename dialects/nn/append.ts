import { addDim, attr, type Dim, defineOp, tensor } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { joined } from './concat.ts';

/**
 * A concatenation in a state's place: `past` is there already, and `x` is written behind it. The state's memory holds
 * the axis outermost, so that no element moves when it grows.
 */
export const append = defineOp({
  name: 'nn.append',
  summary:
    'A state that grows, and new elements behind it along an axis: the same as nn.concat, in the place of `past`.',
  operands: { past: 'required', x: 'required' },
  attributes: { axis: attr.int() },
  infer({ past, x }, { axis }) {
    const size = addDim(past.shape[axis] as Dim, x.shape[axis] as Dim);
    return tensor(past.shape.with(axis, size), past.element, past.layout);
  },
  verify({ past, x }) {
    if (past.element === x.element && past.shape.length === x.shape.length) return;
    throw new QcError({ what: `${x.key} cannot be appended to ${past.key}`, why: 'their elements or axes differ' });
  },
  evaluate: ({ past, x }, { axis }) => joined([past, x], axis),
  lower: { kind: 'template', template: 'append' },
  toOnnx: (writer, { past, x }, { axis }) => writer.node('Concat', [past, x], { int: { axis } }),
});
