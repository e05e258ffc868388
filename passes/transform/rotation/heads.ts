import { definePass } from '../../../src/pass/define.ts';
import { headValues } from '../structure/rotationSites.ts';
import { blockOf, matrixOf, matrixOptions } from './options.ts';
import { rotateSites } from './rotateSites.ts';

/**
 * P·(V·Q)·QᵀW == P·V·W: the values of each head times Q in the layer that makes them, the rows of the layer that reads what
 * attention took of them times Qᵀ. Where one layer makes queries and keys too, their products keep: q·Q·Qᵀ·kᵀ.
 * Source: Ashkboos et al., QuaRot (2024), section 4, stage 1c; Liu et al., SpinQuant (2024), R2.
 */
export const rotateHeads = definePass({
  name: 'rotate-heads',
  summary: 'Rotates the values of attention head by head, by constants alone, where that makes the error smaller.',
  phase: 'transform',
  options: matrixOptions,
  preserves: { tolerance: 1e-3 },
  run: (module, options, context) =>
    rotateSites(
      module,
      'rotate-heads',
      headValues(module.main.body, blockOf(module, options)),
      matrixOf(options.matrix, options.seed),
      options,
      context,
    ),
});
