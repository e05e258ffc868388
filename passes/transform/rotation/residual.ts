import { definePass } from '../../../src/pass/define.ts';
import { residualStreams } from '../structure/rotationSites.ts';
import { blockOf, matrixOf, matrixOptions } from './options.ts';
import { rotateSites } from './rotateSites.ts';

/**
 * x·Q for a whole residual stream: what writes it (tables, layers' columns and biases, offsets) times Q, the rows of the
 * layers behind its normalizations times Qᵀ. A LayerNorm takes no mean away where nothing writes one: writers are centred,
 * and it becomes an RMSNorm, whose factor an orthogonal Q leaves alone. Gains stand in the layers by now (fold-affine).
 * Source: Ashkboos et al., QuaRot (2024), section 4, stage 1a; SliceGPT (2024), section 3.2, for LayerNorm.
 */
export const rotateResidual = definePass({
  name: 'rotate-residual',
  summary:
    'Rotates residual streams by constants alone, so that no channel stands out, where that makes the error smaller.',
  phase: 'transform',
  options: matrixOptions,
  preserves: { tolerance: 1e-3 },
  run: (module, options, context) =>
    rotateSites(
      module,
      'rotate-residual',
      residualStreams(module.main.body, blockOf(module, options)),
      matrixOf(options.matrix, options.seed),
      options,
      context,
    ),
});
