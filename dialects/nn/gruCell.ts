import { defineOp, tensor } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { real, toF64 } from './elements.ts';

/** What a step of a gated recurrent unit does after its matrix products: all operands are [N, H]. */
export const gruCell = defineOp({
  name: 'nn.gru_cell',
  summary: 'y = (1 − σ(update))∘tanh(candidate) + σ(update)∘h.',
  operands: { update: 'required', candidate: 'required', h: 'required' },
  infer({ update, candidate, h }) {
    const shapes = [update, candidate, h].map(({ shape }) => shape.join(', '));
    if (new Set(shapes).size === 1) return tensor(h.shape, h.element);
    throw new QcError({ what: `a cell of [${shapes.join('], [')}]`, why: 'all operands have one shape, [N, H]' });
  },
  evaluate({ update, candidate, h }) {
    const [u, n, before] = [update, candidate, h].map(toF64) as [Float64Array, Float64Array, Float64Array];
    const y = u.map((v, i) => {
      const z = elementary.sigmoid(v);
      return (1 - z) * elementary.tanh(n[i] as number) + z * (before[i] as number);
    });
    return real(h.shape, y);
  },
});
