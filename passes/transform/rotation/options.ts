import { attr, type Module } from '../../../src/ir/index.ts';
import { hadamardPart } from '../../../src/numerics/index.ts';
import { skipOption } from '../../quantize/keptInFloat.ts';
import { LayerSchemes, recipeOption } from '../../quantize/layerSchemes.ts';
import type { BlockOf } from '../structure/rotationSites.ts';
import { karhunenLoeve, randomHadamard, randomOrthogonal } from './orthogonal.ts';
import type { MatrixOf } from './rotateSites.ts';

const matrices = ['hadamard', 'random', 'klt'] as const;

/**
 * Options of the passes that rotate. `block`: channels that are mixed with one another; 0: the blocks of a block format,
 * whose outliers must not reach other blocks (Block Rotation is All You Need for MXFP4, 2025), else all of them; −1: all.
 * `always`: even where the error becomes larger.
 */
export const rotationOptions = {
  block: attr.int(0),
  always: attr.bool(false),
  recipe: recipeOption,
  skip: skipOption,
};

/**
 * With `matrix`: a randomized Hadamard matrix, any orthogonal one, or the Hadamard matrix behind what makes channels
 * uncorrelated on calibration rows; `seed` of their random numbers.
 */
export const matrixOptions = {
  ...rotationOptions,
  matrix: attr.oneOf(matrices, 'hadamard'),
  seed: attr.int(1),
};

export function matrixOf(matrix: (typeof matrices)[number], seed: number): MatrixOf {
  return (block, rows) => {
    if (matrix === 'hadamard') return randomHadamard(block, seed);
    if (matrix === 'random') return randomOrthogonal(block, seed);
    const data = rows.map((one) => one.rows);
    return karhunenLoeve(block, data, seed);
  };
}

/** The size of blocks: the one asked for, or that of the format of most weights, where it divides the channels. */
export function blockOf(
  module: Module,
  { block, recipe, skip }: { block: number; recipe: string; skip: readonly string[] },
): BlockOf {
  const most = block !== 0 ? block : formatBlock(module, new LayerSchemes(module, recipe, skip));
  return (channels) => (most > 0 && channels % most === 0 ? most : channels);
}

/** Blocks of formats whose scales have no mantissa or few bits of it; 0 where weights have none. */
function formatBlock(module: Module, schemes: LayerSchemes): number {
  const stored = [...module.main.body.ops()].flatMap((op) => {
    const { weights, activations } = schemes.of(op);
    return [weights, activations];
  });
  return stored.find((one) => one?.granularity === 'group' && (one.scale ?? 'f32') !== 'f32')?.group ?? 0;
}

/** A block of the channels that nn.hadamard can transform; 1 where there is none. */
export function hadamardBlock(channels: number, within: BlockOf): number {
  return hadamardPart(within(channels));
}
