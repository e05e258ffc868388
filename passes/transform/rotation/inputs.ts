import { hadamard } from '../../../dialects/nn/hadamard.ts';
import { type Op, Rewriter, type Value } from '../../../src/ir/index.ts';
import { definePass } from '../../../src/pass/define.ts';
import { applyGreedily } from '../../../src/rewrite/index.ts';
import { isFloatLayer } from '../../../src/scheme/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { type SampledRows, sampleRows } from '../../calibrate/sampleRows.ts';
import { LayerSchemes } from '../../quantize/layerSchemes.ts';
import { applyBetter, type Candidate } from '../applyBetter.ts';
import { type InputRows, layerError } from '../layerError.ts';
import { nearestPowerOfTwo } from '../scaling/chooseMap.ts';
import { type LayerInput, layerInputs } from '../structure/rotationSites.ts';
import { ConstantEdits } from './constantEdits.ts';
import { blockOf, hadamardBlock, rotationOptions } from './options.ts';
import { hadamardMap } from './orthogonal.ts';
import { mapped } from './rotateSites.ts';

/**
 * x·W == (s·H·x)·(H·W/(s·n)) with the Hadamard matrix H of n rows: the input of a layer is transformed at run time, in
 * blocks. s is the power of two next to 1/√n. It is done where no constant can do it, and the error becomes smaller.
 * Source: Ashkboos et al., QuaRot (2024), section 4, stage 1b: the online transform before the last projection.
 */
export const rotateInputs = definePass({
  name: 'rotate-inputs',
  summary: 'Transforms inputs of layers at run time by Hadamard matrices, where that makes the error smaller.',
  phase: 'transform',
  options: rotationOptions,
  preserves: { tolerance: 1e-3 },
  async run(module, options, context) {
    const within = blockOf(module, options);
    const schemes = new LayerSchemes(module, options.recipe, options.skip);
    const inputs = layerInputs(module.main.body, within).filter(
      ({ channels, layers }) =>
        hadamardBlock(channels, within) > 1 && layers.some((layer) => !isFloatLayer(schemes.of(layer))),
    );
    if (inputs.length === 0) {
      context.report('rotate-inputs: the model has no place for it');
      return;
    }
    const values = inputs.map(({ value }) => value);
    const rows = await sampleRows(module, values, context, 'rotate-inputs');
    const candidateFor = (input: LayerInput): Candidate => {
      const block = hadamardBlock(input.channels, within);
      const x = rows.get(input.value) as SampledRows;
      const edits = editsFor(input, block);
      const errorOf = (read: InputRows, made: ConstantEdits) =>
        input.layers.reduce((sum, layer) => sum + layerError(read, made.numbers(layer, 1), schemes.of(layer)), 0);
      return {
        where: input.layers[0]?.source,
        errors: () => [errorOf(x, new ConstantEdits()), errorOf(mapped(x, hadamardMap(block, scaleOf(block))), edits)],
        apply: () => transformInput(input, block, edits),
      };
    };
    applyBetter('rotate-inputs', inputs, candidateFor, options.always, context.report);
    // constants that nothing reads any more
    applyGreedily(module.main.body, []);
  },
});

/** s: 1/√n but for its mantissa, so that scaling is exact. */
export const scaleOf = (block: number): number => nearestPowerOfTwo(1 / Math.sqrt(block));

/** The rows of the layers' weights through the inverse of the transform. */
function editsFor({ layers }: LayerInput, block: number): ConstantEdits {
  const edits = new ConstantEdits();
  const inverse = hadamardMap(block, 1 / (scaleOf(block) * block));
  edits.apply(
    layers.map((op) => ({ op, index: 1, axis: 0 })),
    inverse,
  );
  return edits;
}

/** Transforms the input of layers at run time, whatever that does to errors. @returns the new constants, unrounded */
export function transformInput(
  input: LayerInput,
  block: number,
  edits = editsFor(input, block),
): ReadonlyMap<Value, HostTensor> {
  const rewriter = new Rewriter();
  const [first] = input.layers as readonly [Op];
  rewriter.before(first);
  const scale = scaleOf(block);
  const { result } = rewriter.create(hadamard, { x: input.value }, { block, scale }, { source: first.source });
  for (const layer of input.layers) rewriter.setOperand(layer, 0, result);
  return edits.commit();
}
