import { z } from 'zod';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import { parseJson } from '../support/document.ts';
import { schemeNames } from './presets.ts';
import {
  choicesIn,
  type Recipe,
  sensitivityNames,
  solverNames,
  type TransformText,
  transformNameOf,
  transformNames,
} from './recipe.ts';
import {
  activationScales,
  activationStorages,
  isFloatActivation,
  isStatic,
  type LayerScheme,
  roundsBySamples,
  scaleKinds,
  storageBits,
  weightRanges,
  weightRoundings,
  weightStorages,
} from './scheme.ts';

const weights = z.strictObject({
  storage: z.enum(weightStorages).optional(),
  granularity: z.enum(['tensor', 'channel', 'group']).optional(),
  group: z.int().min(4).max(65536).multipleOf(4).optional(),
  mixed: z.array(z.int().min(2).max(8)).min(2).optional(),
  symmetric: z.boolean().optional(),
  scale: z.enum(scaleKinds).optional(),
  range: z.enum(weightRanges).optional(),
  rounding: z.enum(weightRoundings).optional(),
});

const activations = z.strictObject({
  storage: z.enum(activationStorages).optional(),
  granularity: z.enum(['tensor', 'token', 'group']).optional(),
  group: z.int().min(4).max(65536).multipleOf(4).optional(),
  scale: z.enum(activationScales).optional(),
  symmetric: z.boolean().optional(),
  observer: z.string().optional(),
  percentile: z.number().gt(50).lte(100).optional(),
  leastSnr: z.number().min(0).max(80).optional(),
  raisedSnr: z.number().min(0).max(80).optional(),
  cheapSnr: z.number().min(0).max(80).optional(),
  productsSnr: z.number().min(0).max(80).optional(),
});

const changes = {
  weights: z.union([z.literal('float'), weights]).optional(),
  activations: z.union([z.literal('float'), activations]).optional(),
};

const transform = z
  .string()
  .check(({ value, issues }) => {
    const known: readonly string[] = transformNames;
    const isKnown = known.includes(transformNameOf(value)) && /^[a-z-]+(\{.*\})?$/s.test(value);
    if (!isKnown) issues.push({ code: 'invalid_value', values: [...known], input: value });
  })
  .transform((text) => text as TransformText);

const budgetRules = { sensitivity: z.enum(sensitivityNames).optional(), solver: z.enum(solverNames).optional() };

const patterns = z.array(z.string().min(1));

const schema = z.strictObject({
  name: z.string().min(1).optional(),
  scheme: z.enum(schemeNames),
  transforms: z.array(transform).optional(),
  ...changes,
  layers: z
    .array(
      z.strictObject({
        match: z.union([z.string().min(1), patterns]),
        scheme: z.enum(schemeNames).optional(),
        ...changes,
      }),
    )
    .optional(),
  keepFloat: patterns.optional(),
  budget: z
    .union([
      z.strictObject({ bytes: z.int().positive(), ...budgetRules }),
      z.strictObject({ share: z.number().positive(), ...budgetRules }),
      z.strictObject({ bops: z.number().positive(), ...budgetRules }),
      z.strictObject({ latency: z.number().positive(), ...budgetRules }),
      z.strictObject({ milliseconds: z.number().positive(), ...budgetRules }),
    ])
    .optional(),
});

/**
 * Checks what a file or a caller gives as a recipe.
 * @param where the file, for the message
 * @param observers names of the rules that choose ranges in calibration
 * @throws QcError with the path of the first thing that is wrong
 */
export function checkRecipe(content: unknown, where: string, observers: readonly string[]): Recipe {
  const { success, data, error } = schema.safeParse(content, { reportInput: true });
  if (!success) throw refusal(error.issues[0] as z.core.$ZodIssue, where);
  for (const choice of choicesIn(data)) checkChoice(choice, where, observers);
  checkObservers(data, where);
  checkBudget(data, where);
  return data;
}

const example = '{ "scheme": "w8a8", "keepFloat": ["Conv_1"] }';

/** Reads a recipe from JSON. @throws QcError */
export function parseRecipe(text: string, where: string, observers: readonly string[]): Recipe {
  const content = parseJson(text, { noJson: 'the recipe is no JSON', where, help: `write for example ${example}` });
  return checkRecipe(content, where, observers);
}

function refusal(issue: z.core.$ZodIssue, where: string): QcError {
  const found = deepest(issue);
  const path = found.path.join('.') || 'the recipe';
  return new QcError({ what: `${path}: ${problem(found)}`, where, help: helpFor(found) });
}

/** Of a union, the alternative that came furthest: the word `float` or the settings. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const candidates = issue.errors.flat().map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
  const found = candidates.toSorted((a, b) => b.path.length - a.path.length || weight(b) - weight(a))[0];
  return found ? deepest(found as z.core.$ZodIssue) : issue;
}

const weight = (issue: { code?: string | undefined }) => (issue.code === 'unrecognized_keys' ? 1 : 0);

function problem(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no setting '${issue.keys[0]}'`;
  if (issue.code === 'invalid_value') return `${JSON.stringify(issue.input ?? null)} is none of its values`;
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}

const settings = [
  ...Object.keys(schema.shape),
  ...Object.keys(weights.shape),
  ...Object.keys(activations.shape),
  'match',
];

function helpFor(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') {
    const near = didYouMean(issue.keys[0] ?? '', settings);
    return near ? `did you mean '${near}'?` : `settings are: ${[...new Set(settings)].join(', ')}`;
  }
  if (issue.code !== 'invalid_value') return issue.path.length === 0 ? `write for example ${example}` : undefined;
  const near = typeof issue.input === 'string' ? didYouMean(issue.input, issue.values.map(String)) : undefined;
  return `${near ? `did you mean '${near}'? ` : ''}there are: ${issue.values.join(', ')}`;
}

/** Calibration chooses all ranges by one rule. */
function checkObservers(recipe: Recipe, where: string): void {
  const rule = recipe.layers?.findIndex(({ activations: a }) => {
    return (
      typeof a === 'object' &&
      (a.observer ?? a.percentile ?? a.leastSnr ?? a.raisedSnr ?? a.cheapSnr ?? a.productsSnr) !== undefined
    );
  });
  if (rule === undefined || rule < 0) return;
  throw new QcError({
    what: `layers.${rule}.activations: an observer for some layers`,
    where,
    why: 'calibration chooses the ranges of all layers by one rule',
    help: 'name it in the activations of the whole recipe',
  });
}

/** Widths can be chosen where codes are stored in as many bits as they have. */
function checkBudget(recipe: Recipe, where: string): void {
  if (!recipe.budget) return;
  const stored = choicesIn(recipe).filter((choice) => choice.weights);
  const bad = stored.find((choice) => !/^i\d$/.test(choice.weights?.storage ?? ''));
  if (stored.some((choice) => choice.weights?.mixed)) {
    throw new QcError({
      what: 'weights.mixed: beside a budget',
      where,
      why: 'a budget gives each layer one width',
      help: 'leave one of them out',
    });
  }
  if (stored.length > 0 && !bad) return;
  throw new QcError({
    what: 'budget: for weights whose width cannot be chosen',
    where,
    why: 'only integers come in all widths',
    help: 'use a scheme such as w4a16 or w4a8',
  });
}

/** Refuses settings that do not go together. */
function checkChoice(choice: LayerScheme, where: string, observers: readonly string[]): void {
  const { weights: w, activations: a } = choice;
  const refuse = (what: string, help: string): never => {
    throw new QcError({ what, where, help });
  };
  if (a && !w) refuse('activations: quantized, and the weights are float', 'quantize the weights too');
  if (a?.observer !== undefined && !observers.includes(a.observer)) {
    refuse(`activations.observer: there is no observer '${a.observer}'`, `there are: ${observers.join(', ')}`);
  }
  if (!w) return;
  const isInteger = /^i\d$/.test(w.storage);
  if (w.mixed && !isInteger) refuse(`weights.mixed: ${w.storage} has one width`, 'set storage to i2 … i8');
  if (w.mixed && isStatic(choice)) {
    refuse('weights.mixed: activations with calibrated ranges', 'set activations.granularity to "token"');
  }
  if (w.mixed && w.granularity === 'tensor') refuse('weights.mixed: one scale a tensor', 'set granularity to "group"');
  if (w.mixed && Math.min(...w.mixed) > storageBits(w.storage)) {
    refuse(
      `weights.mixed: no width fits the space of ${w.storage}`,
      `add one of ${storageBits(w.storage)} bits or fewer`,
    );
  }
  if (w.mixed && (w.scale === 'e4m3' || w.scale === 'shared-exponent')) {
    refuse(`weights.mixed: scales of ${w.scale} belong to one width`, 'set scale to "f32"');
  }
  if (w.granularity === 'group' && w.group === undefined) {
    refuse('weights.group: missing, and the granularity is group', 'say how many inputs share a scale');
  }
  if (!isInteger && !w.symmetric) refuse(`weights.symmetric: ${w.storage} has no zero point`, 'leave it out');
  if (w.scale !== 'f32' && !w.symmetric) refuse('weights.scale: only with symmetric weights', 'set symmetric to true');
  if (w.scale === 'integer' && w.granularity !== 'group') {
    refuse('weights.scale: integers are scales of groups', 'set granularity to "group", or scale to "f32"');
  }
  if (a && isFloatActivation(a.storage) && a.granularity === 'tensor') {
    refuse(`activations.granularity: scales of ${a.storage} activations are found at run time`, 'set it to "token"');
  }
  if (a?.granularity === 'group' && a.group === undefined) {
    refuse('activations.group: missing, and the granularity is group', 'say how many channels share a scale');
  }
  if (a && !isFloatActivation(a.storage) && (a.granularity === 'group' || (a.scale ?? 'f32') !== 'f32')) {
    refuse(
      `activations.storage: ${a.storage}, with what only small floats have: ${a.granularity === 'group' ? 'groups' : `a scale of ${a.scale}`}`,
      'set it to e2m1, e2m3, e3m2, e4m3 or e5m2',
    );
  }
  if (a?.storage === 'i16' && a.granularity !== 'tensor') {
    refuse('activations.granularity: 16-bit activations have calibrated ranges', 'set granularity to "tensor"');
  }
  if (!isStatic(choice)) return;
  if (roundsBySamples(choice)) {
    refuse(
      `weights.rounding: ${w.rounding}, and activations have calibrated ranges`,
      'set activations.granularity to "token"',
    );
  }
  if (w.granularity === 'group' && w.scale !== 'integer') {
    refuse(
      `weights.scale: ${w.scale}, of groups, and activations have calibrated ranges`,
      'set scale to "integer", so that sums stay integers over all groups, or activations.granularity to "token"',
    );
  }
  const isPlain = w.granularity === 'group' || w.scale === 'f32';
  if (!isInteger || !w.symmetric || !isPlain || storageBits(w.storage) < 2) {
    refuse(
      'weights: activations with calibrated ranges go with symmetric integers, one scale a channel or tensor, or integer scales a group',
      'set activations.granularity to "token", or the weights to such integers',
    );
  }
}
