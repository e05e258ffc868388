import { hadamard } from '../../../dialects/nn/hadamard.ts';
import { Rewriter, type Value } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import { type ActivationScheme, isStatic } from '../../../src/scheme/index.ts';
import { type SampledRows, sampleRows } from '../../calibrate/sampleRows.ts';
import { LayerSchemes } from '../../quantize/layerSchemes.ts';
import { roundActivations } from '../../quantize/roundActivations.ts';
import { applyBetter, type Candidate } from '../applyBetter.ts';
import { squaredDistance } from '../layerError.ts';
import { rotaryScores, type Scores } from '../structure/rotationSites.ts';
import { scaleOf } from './inputs.ts';
import { blockOf, hadamardBlock, rotationOptions } from './options.ts';
import { hadamardMap } from './orthogonal.ts';
import { mapped } from './rotateSites.ts';

/**
 * (s·H·q)·(H·k/(s·n)) == q·k with the Hadamard matrix H of n rows: queries and keys that positions have turned are
 * transformed at run time, head by head, where their product is rounded and the error becomes smaller.
 * Source: Ashkboos et al., QuaRot (2024), section 4, stage 1d; Liu et al., SpinQuant (2024), R3.
 */
export const rotateScores = definePass({
  name: 'rotate-scores',
  summary: 'Transforms queries and keys at run time by Hadamard matrices, where that makes the error smaller.',
  phase: 'transform',
  options: rotationOptions,
  preserves: { tolerance: 1e-3 },
  async run(module, options, context) {
    const within = blockOf(module, options);
    const schemes = new LayerSchemes(module, options.recipe, options.skip);
    const places = rotaryScores(module.main.body).filter(
      ({ product, channels }) => isStatic(schemes.of(product)) && hadamardBlock(channels, within) > 1,
    );
    if (places.length === 0) {
      context.report('rotate-scores: the model has no place for it');
      return;
    }
    const values = new Set(places.flatMap((place) => [queriesOf(place), keysOf(place)]));
    const rows = await sampleRows(module, [...values], context, 'rotate-scores');
    const candidateFor = (place: Scores): Candidate => {
      const block = hadamardBlock(place.channels, within);
      const scheme = schemes.of(place.product).activations as ActivationScheme;
      const error = (turned: boolean) =>
        [queriesOf(place), keysOf(place)].reduce((sum, value) => {
          const x = rows.get(value) as SampledRows;
          const { rows: exact } = turned ? mapped(x, hadamardMap(block, 1)) : x;
          return sum + squaredDistance(roundActivations(exact, place.channels, scheme), exact);
        }, 0);
      return {
        where: place.product.source,
        errors: () => [error(false), error(true)],
        apply: () => transformScores(place, block),
      };
    };
    applyBetter('rotate-scores', places, candidateFor, options.always, context.report);
  },
});

const queriesOf = ({ queries: { op, index } }: Scores): Value => op.operand(index);
const keysOf = ({ keys: { op, index } }: Scores): Value => op.operand(index);

/** Puts the transform on both sides of a product of queries and keys. */
export function transformScores(place: Scores, block: number): void {
  const rewriter = new Rewriter();
  const power = scaleOf(block);
  for (const [{ op, index }, scale] of [
    [place.queries, power],
    [place.keys, 1 / (power * block)],
  ] as const) {
    rewriter.before(op);
    const { source } = place.product;
    rewriter.setOperand(
      op,
      index,
      rewriter.create(hadamard, { x: op.operand(index) }, { block, scale }, { source }).result,
    );
  }
}
