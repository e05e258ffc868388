import type { Recipe } from './recipe.ts';

const table = {
  /** 8 bits; the spread of activation channels moves into weights. */
  smoothquant: { scheme: 'w8a8', transforms: ['smoothquant'] },
  /** 8 bits; activation channels are centred, and large ones shrunk. */
  'outlier-suppression': { scheme: 'w8a8', transforms: ['outlier-suppression'] },
  /** 4-bit weights with zero points; those that meet large activations are rounded more finely. */
  awq: { scheme: 'w4a16', transforms: ['awq'], weights: { symmetric: false, range: 'mse' } },
  /** 8 bits; neighbouring layers have weights of one range, and channels keep nothing that they always have. */
  dfq: { scheme: 'w8a8', transforms: ['equalize-layers', 'absorb-biases'] },
  /** 8 bits; activation channels have one range, centred. */
  repquant: { scheme: 'w8a8', transforms: ['repquant'] },
  /** 4-bit weights in groups of 32 whose roundings make up for one another. */
  gptq: { scheme: 'w4a16', weights: { rounding: 'gptq' } },
  /** 4-bit weights in groups of 32, each down or up as a descent on the layer's results finds. */
  adaround: { scheme: 'w4a16', weights: { rounding: 'adaround' } },
  /** 2 to 8 bits a weight, layer by layer, in the space of 4 and a tenth. */
  hawq: { scheme: 'w4a16', weights: { symmetric: false, range: 'mse' }, budget: { share: 1.1 } },
  /** The same space, each weight with the same loss by the trace of its layer's Hessian: widths in closed form. */
  baq: {
    scheme: 'w4a16',
    weights: { symmetric: false, range: 'mse' },
    budget: { share: 1.1, sensitivity: 'trace', solver: 'equal-loss' },
  },
  /** 4-bit weights by GPTQ, 8-bit activations by row, in rotated channels of which none stands out. */
  quarot: {
    scheme: 'w4a8',
    transforms: ['rotate-residual', 'rotate-heads', 'rotate-scores', 'rotate-inputs'],
    weights: { rounding: 'gptq' },
  },
  /** Weights and activations in MXFP4, in rotated blocks of channels. */
  'block-rotation': {
    scheme: 'mxfp4',
    activations: { storage: 'e2m1', granularity: 'group', group: 32, scale: 'power-of-two', symmetric: true },
    transforms: ['rotate-residual', 'rotate-heads', 'rotate-inputs'],
    weights: { rounding: 'gptq' },
  },
} as const satisfies Readonly<Record<string, Recipe>>;

export type RecipeName = keyof typeof table;

export const recipeNames = Object.keys(table) as RecipeName[];

/** The published methods as recipes, by name. */
export const recipes = Object.fromEntries(
  Object.entries(table).map(([name, recipe]) => [name, { name, ...recipe }]),
) as Readonly<Record<RecipeName, Recipe>>;

export function isRecipeName(text: string): text is RecipeName {
  return Object.hasOwn(table, text);
}
