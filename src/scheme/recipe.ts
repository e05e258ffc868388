import { matchesName } from '../support/pattern.ts';
import { isSchemeName, type SchemeName, schemes } from './presets.ts';
import { type ActivationScheme, isStatic, type LayerScheme, roundsBySamples, type WeightScheme } from './scheme.ts';

/** Changes to how weights or activations are stored; what is not named stays as it was. */
export type WeightChanges = { readonly [K in keyof WeightScheme]?: WeightScheme[K] | undefined };
export type ActivationChanges = { readonly [K in keyof ActivationScheme]?: ActivationScheme[K] | undefined };

/** What a recipe says about some layers, or about all. */
export interface LayerChanges {
  /** Begin with this scheme instead of the recipe's. */
  readonly scheme?: SchemeName | undefined;
  readonly weights?: 'float' | WeightChanges | undefined;
  readonly activations?: 'float' | ActivationChanges | undefined;
}

/** Layers by the names of the model's nodes; `*` and `?` stand for any characters. */
export interface LayerRule extends LayerChanges {
  readonly match: string | readonly string[];
}

/** Passes that change a float model into an equal one that loses less when it is rounded. */
export const transformNames = [
  'smoothquant',
  'outlier-suppression',
  'awq',
  'equalize-layers',
  'absorb-biases',
  'repquant',
  'reorder-channels',
  'rotate-residual',
  'rotate-heads',
  'rotate-scores',
  'rotate-inputs',
] as const;
export type TransformName = (typeof transformNames)[number];

/** A pass, or one with options: `rotate-residual{block=32}`. */
export type TransformText = TransformName | `${TransformName}{${string}}`;

/** The pass of a transform. */
export const transformNameOf = (text: string): string => text.split('{', 1)[0] as string;

/**
 * What all layers with stored weights may take together: bytes of codes; bit operations, which are multiply-adds times the
 * bits of both factors; or time on the target, as measured. Shares are of what they take without a budget.
 */
export type Budget = BudgetRules &
  (
    | { readonly bytes: number }
    | { readonly share: number }
    | { readonly bops: number }
    | { readonly latency: number }
    | { readonly milliseconds: number }
  );

/**
 * What rounding a layer's weights costs. `output`: the error of its result, measured with the layer alone rounded; `trace`:
 * the mean square of its inputs, which is the mean of the Hessian's diagonal for that error, times ‖ΔW‖²; `hutchinson`: the
 * same for the error of the model's results, by random changes of the layer's weights.
 */
export const sensitivityNames = ['output', 'trace', 'hutchinson'] as const;
export type SensitivityName = (typeof sensitivityNames)[number];

/** How widths are chosen: `program` for the least summed cost, `equal-loss` in closed form for the same loss of each weight. */
export const solverNames = ['program', 'equal-loss'] as const;
export type SolverName = (typeof solverNames)[number];

export interface BudgetRules {
  /** Default: `output`. */
  readonly sensitivity?: SensitivityName | undefined;
  /** Default: `program`. */
  readonly solver?: SolverName | undefined;
}

/** How a model is quantized: a scheme, what differs from it, and the layers for which more differs. */
export interface Recipe extends LayerChanges {
  /** What reports and manifests call it. Default: the name of its scheme. */
  readonly name?: string | undefined;
  readonly scheme: SchemeName;
  /** What is done to the float model first, in this order. */
  readonly transforms?: readonly TransformText[] | undefined;
  /** Later rules count more. */
  readonly layers?: readonly LayerRule[] | undefined;
  /** Widths are chosen for each layer, so that the summed errors are least; `storage` is then the width that shares refer to. */
  readonly budget?: Budget | undefined;
  /** Layers that stay float. */
  readonly keepFloat?: readonly string[] | undefined;
}

/** For `qc.config.ts`: gives the recipe back, with its type checked. */
export function defineConfig(recipe: Recipe): Recipe {
  return recipe;
}

/** The recipe that a name, or a recipe, stands for. */
export function recipeOf(scheme: SchemeName | Recipe): Recipe {
  return typeof scheme === 'string' ? { scheme } : scheme;
}

/** Whether a recipe leaves no float between inputs and outputs. */
export function isIntegerOnly({ scheme }: Recipe): boolean {
  return schemes[scheme].integerOnly === true;
}

export function recipeName({ name, scheme }: Recipe): string {
  return name ?? scheme;
}

/** How a layer is to be stored, and what decided it: the recipe's scheme, or one of its rules. */
export interface LayerChoice extends LayerScheme {
  readonly reason: string;
}

/** What a recipe says about the layer of a name. `''`: what it says where no rule fits. */
export function layerChoice(recipe: Recipe, name: string): LayerChoice {
  const kept = recipe.keepFloat?.find((pattern) => matchesName(pattern, name));
  if (kept !== undefined) return { reason: `kept in float by '${kept}'` };
  let choice: LayerChoice = { ...changed(schemes[recipe.scheme], recipe), reason: `scheme ${recipeName(recipe)}` };
  for (const [i, rule] of (recipe.layers ?? []).entries()) {
    const patterns = typeof rule.match === 'string' ? [rule.match] : rule.match;
    const pattern = patterns.find((one) => matchesName(one, name));
    if (pattern === undefined) continue;
    const before = rule.scheme === undefined ? choice : schemes[rule.scheme];
    choice = { ...changed(before, rule), reason: `rule ${i + 1} of the recipe, '${pattern}'` };
  }
  return choice;
}

/** Every way of storing that the recipe can ask for: of its scheme, and of each rule alone. */
export function choicesIn(recipe: Recipe): LayerScheme[] {
  const base = changed(schemes[recipe.scheme], recipe);
  const rules = (recipe.layers ?? []).map((rule) => changed(rule.scheme ? schemes[rule.scheme] : base, rule));
  return [base, ...rules];
}

/** Whether something in the recipe looks at calibration data. */
export function isCalibrated(recipe: Recipe): boolean {
  const choices = choicesIn(recipe);
  return (
    choices.some((choice) => isStatic(choice) || roundsBySamples(choice)) ||
    !!recipe.transforms?.length ||
    !!recipe.budget
  );
}

/** All patterns of layers that the recipe names. */
export function patternsOf({ keepFloat = [], layers = [] }: Recipe): string[] {
  return [...keepFloat, ...layers.flatMap(({ match }) => match)];
}

/** 8-bit codes, one scale a channel: what changes to float weights begin with. */
const plainWeights = schemes.w8a8.weights as WeightScheme;
const plainActivations = schemes['w8a8-dynamic'].activations as ActivationScheme;

function changed(before: LayerScheme, { weights, activations }: LayerChanges): LayerScheme {
  const stored = weights === 'float' ? undefined : merged(before.weights, weights, plainWeights);
  return {
    weights: stored?.granularity === 'group' ? stored : stored && { ...stored, group: undefined },
    activations: activations === 'float' ? undefined : merged(before.activations, activations, plainActivations),
  };
}

function merged<T extends object>(
  before: T | undefined,
  changes: { readonly [K in keyof T]?: T[K] | undefined } | undefined,
  plain: T,
): T | undefined {
  if (!changes) return before;
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return { ...(before ?? plain), ...given } as T;
}

/** A recipe as the text that an option of a pass holds: the name of its scheme where it says no more. */
export function recipeText(recipe: Recipe): string {
  const plain = Object.keys(recipe).every((key) => key === 'scheme' || key === 'name');
  return plain ? recipe.scheme : JSON.stringify(recipe);
}

/** Reads what `recipeText` gives. */
export function recipeFromText(text: string): Recipe {
  return isSchemeName(text) ? { scheme: text } : (JSON.parse(text) as Recipe);
}
