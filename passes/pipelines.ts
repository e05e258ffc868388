import { type OptionValues, parsePipeline, printPipeline } from '../src/pass/index.ts';
import {
  choicesIn,
  isIntegerOnly,
  isStatic,
  type Recipe,
  recipeOf,
  recipeText,
  type SchemeName,
  schemeNames,
} from '../src/scheme/index.ts';

/** How reports call the quantization that a model carries itself. */
export const carriedScheme = 'qdq';

/** From an imported model to one that is ready to be quantized or compiled in float. */
const float = [
  'bind-dims',
  'fold-constants',
  'canonicalize',
  'widen-floats',
  'append-states',
  'join-branches',
  'recognize-activations',
  'recognize-norms',
  'recognize-softmax',
  'recognize-rotary',
  'recognize-attention',
  'fold-batch-norm',
  'fold-affine',
] as const;

/** The quantization that a model carries itself, as casts around its ops. */
const carried = [
  ...float.map((pass) => (pass === 'fold-constants' ? 'fold-constants{keep_codes=true}' : pass)),
  'fuse-clamp',
  'raise-qdq',
  'fold-constants',
  'to-integer',
  'expand-dcast',
  'store-caches',
] as const;

const step = (pass: string, options: OptionValues): string => printPipeline([{ pass, options }]);

/** Static codes by the ranges of calibration. */
const calibrated = (
  observer: OptionValues,
  snr: OptionValues,
  recipe: OptionValues,
  steps: OptionValues,
): readonly string[] => [
  'expand-attention',
  step('step-recurrent', steps),
  step('insert-observers', recipe),
  step('calibrate', observer),
  step('raise-activations', { ...snr, ...recipe }),
  step('quantize', { weights: 'i8', activations: 'i8', ...recipe }),
];

/** What has no integer form stays float. */
const floatIslands = ['to-integer', 'expand-dcast'] as const;

/** What has no 8-bit form gets 16 bits, by its ranges in the quantized model. */
const integerIslands = [
  'expand-composed',
  'observe-islands',
  'calibrate-islands',
  'quantize-islands',
  'to-integer',
  'integer-border',
];

/** Steps of recurrent layers that a program of integers alone is written for. */
const mostSteps = 64;

/** The passes that a recipe asks for, as pass texts, up to what every target shares. */
export function passesFor(recipe: Recipe): readonly string[] {
  const choices = choicesIn(recipe);
  const text = recipeText(recipe);
  const given: OptionValues = text === 'w8a8' ? {} : { recipe: text };
  const observed = choices.find(isStatic)?.activations;
  const { observer = 'lp', percentile, leastSnr = 0, raisedSnr = 0, cheapSnr = 0, productsSnr = 0 } = observed ?? {};
  const ranges = { observer, ...(percentile === undefined ? {} : { percentile }) };
  const bounds = { least_snr: leastSnr, raised_snr: raisedSnr, cheap_snr: cheapSnr, products_snr: productsSnr };
  const steps = isIntegerOnly(recipe) ? { most: mostSteps } : {};
  const stores = choices.some((choice) => choice.weights && !isStatic(choice));
  const chosen = [
    ...(recipe.transforms ?? [])
      .flatMap((transform) => parsePipeline(transform))
      .map(({ pass, options }) => step(pass, { ...options, ...given })),
    ...(recipe.budget ? [step('allocate-bits', given)] : []),
    ...(stores ? [step('quantize-weights', given)] : []),
    ...(observed
      ? [...calibrated(ranges, bounds, given, steps), ...(isIntegerOnly(recipe) ? integerIslands : floatIslands)]
      : []),
  ];
  // Where nothing is chosen for the fused ops, they are fused with the kernels: reports show the model's own layers.
  return chosen.length === 0
    ? [...float, 'store-caches', 'fuse-clamp']
    : [...float, 'fuse-clamp', ...chosen, 'store-caches'];
}

/** Pipelines by the name of their scheme. */
export const pipelines: Readonly<Record<SchemeName, readonly string[]>> = Object.fromEntries(
  schemeNames.map((scheme) => [scheme, passesFor({ scheme })]),
) as Record<SchemeName, readonly string[]>;

/** From a graph of nn and int ops to a planned program of kernels. */
const lowering = [
  'require-static',
  'attend-caches',
  'decompose',
  'float-rescale',
  'uniform-shift',
  'explicit-padding',
  'choose-layout',
  'turn-signs',
  'look-up-products',
  'fuse-epilogues',
  'lower-kernels',
  'expand-halves',
  'expand-i64',
  'pack-words',
  'fold-packing',
  'bufferize',
] as const;

/** What follows for a program that several threads run. */
export const threading = 'share-loops';

/** The pipeline that compiles an imported model under a scheme, or as it is quantized already, as text. */
export function pipelineFor(scheme: SchemeName | Recipe | typeof carriedScheme): string {
  if (scheme === carriedScheme) return [...carried, ...lowering].join(',');
  const recipe = recipeOf(scheme);
  const kernels = isIntegerOnly(recipe) ? lowering.filter((pass) => pass !== 'float-rescale') : lowering;
  return [...passesFor(recipe), ...kernels].join(',');
}
