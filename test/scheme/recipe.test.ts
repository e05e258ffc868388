import { describe, expect, it } from 'vitest';
import { constant } from '../../dialects/nn/constant.ts';
import { prepare } from '../../src/api/compile.ts';
import { checkedRecipe, readRecipe } from '../../src/api/recipe.ts';
import { layerChoice, type Recipe } from '../../src/scheme/index.ts';
import { calibration, network } from './network.ts';

describe('a recipe that is wrong is refused by its path, with help', () => {
  it.each([
    ['{', /no JSON/],
    ['{"scheme": "w8a9"}', /scheme: "w8a9" is none of its values[\s\S]*did you mean 'w8a8'/],
    ['{"sceme": "w8a8", "scheme": "w8a8"}', /there is no setting 'sceme'[\s\S]*did you mean 'scheme'/],
    ['{"scheme": "w8a8", "weights": {"storage": "i9"}}', /weights\.storage: "i9" is none[\s\S]*i8/],
    ['{"scheme": "w8a8", "weights": {"bits": 4}}', /weights: there is no setting 'bits'/],
    ['{"scheme": "w8a8", "activations": {"observer": "max"}}', /activations\.observer: there is no observer 'max'/],
    ['{"scheme": "w8a8", "weights": {"granularity": "group"}}', /weights\.group: missing/],
    ['{"scheme": "w8a8", "weights": "float"}', /activations: quantized, and the weights are float/],
    ['{"scheme": "w8a8", "layers": [{"match": "a", "weights": {"storage": "nf5"}}]}', /layers\.0\.weights\.storage/],
    [
      '{"scheme": "w8a8", "layers": [{"match": "a", "activations": {"observer": "mse"}}]}',
      /layers\.0\.activations: an observer for some/,
    ],
    ['{"scheme": "w8a8", "layers": [{}]}', /layers\.0\.match/],
    ['{"scheme": "mxfp4", "activations": {"storage": "e2m1", "granularity": "group"}}', /activations\.group: missing/],
    ['{"scheme": "w4a8", "activations": {"granularity": "group", "group": 32}}', /storage: i8, with what only small/],
    ['{"scheme": "w4a8", "weights": {"mixed": [2, 9]}}', /weights\.mixed\.1: too big/],
    ['{"scheme": "nf4", "weights": {"mixed": [2, 4]}}', /weights\.mixed: nf4 has one width/],
    ['{"scheme": "w8a8", "weights": {"mixed": [2, 4]}}', /weights\.mixed: activations with calibrated ranges/],
    [
      '{"scheme": "w4a8", "weights": {"storage": "i3", "mixed": [4, 8]}}',
      /no width fits the space of i3[\s\S]*add one/,
    ],
    ['{"scheme": "w4a8", "weights": {"mixed": [2, 8]}, "budget": {"share": 1}}', /weights\.mixed: beside a budget/],
    [
      '{"scheme": "w8a8", "transforms": ["rotate-heds{block=4}"]}',
      /transforms\.0: "rotate-heds[\s\S]*there are: smooth/,
    ],
  ])('%s', (text, says) => expect(() => readRecipe(text, 'recipe.json')).toThrow(says));

  it('when it names a layer that the model has not', async () => {
    const scheme: Recipe = { scheme: 'w8a8', layers: [{ match: 'laier 2', weights: { storage: 'i4' } }] };
    await expect(prepare(network().module, { scheme, calibration })).rejects.toThrow(/no layer is called 'laier 2'/);
  });
});

describe('what a recipe says about a layer', () => {
  const recipe = checkedRecipe({
    scheme: 'w8a8',
    weights: { range: 'mse' },
    layers: [
      { match: ['conv*', 'fc'], weights: { storage: 'i4' } },
      { match: 'conv1', scheme: 'float' },
      { match: 'conv2', weights: { granularity: 'tensor' } },
    ],
    keepFloat: ['head'],
  });
  it('is its scheme with what all its rules change, in order', () => {
    expect(layerChoice(recipe, 'other').weights).toMatchObject({ storage: 'i8', range: 'mse', granularity: 'channel' });
    expect(layerChoice(recipe, 'fc').weights).toMatchObject({ storage: 'i4', range: 'mse', granularity: 'channel' });
    expect(layerChoice(recipe, 'conv2').weights).toMatchObject({ storage: 'i4', granularity: 'tensor' });
    expect(layerChoice(recipe, 'conv2').reason).toBe("rule 3 of the recipe, 'conv2'");
    expect(layerChoice(recipe, 'conv1')).toEqual({ reason: "rule 2 of the recipe, 'conv1'" });
    expect(layerChoice(recipe, 'head')).toEqual({ reason: "kept in float by 'head'" });
  });
});

describe('a compile under a recipe', () => {
  it('does what each rule says, and explains it', async () => {
    const { module, layers } = network();
    const [first = '', second = '', third = ''] = layers;
    const scheme: Recipe = {
      name: 'mixed',
      scheme: 'w8a8',
      layers: [
        { match: first, weights: { storage: 'i4' } },
        { match: second, weights: 'float', activations: 'float' },
      ],
    };
    const prepared = await prepare(module, { scheme, calibration });
    expect(prepared.scheme).toBe('mixed');
    expect(prepared.explanations.map(({ node, weights, activations }) => [node, weights, activations])).toEqual([
      [first, 'i4, a scale a channel', 'i8, range by lp'],
      [second, 'float', 'float'],
      [third, 'i8, a scale a channel', 'i8, range by lp'],
    ]);
    expect(prepared.explanations[1]?.reason).toMatch(/^rule 2 of the recipe/);
    const products = [...module.ops()].filter(({ name }) => name.endsWith('.matmul'));
    expect(products.map(({ name }) => name)).toEqual(['int.matmul', 'nn.matmul', 'int.matmul']);
    const largest = products.map((op) => {
      const { value } = constant.attributesOf(op.operand(1).op as NonNullable<(typeof products)[0]>);
      return Math.max(...(value.data() as Int8Array).map(Math.abs));
    });
    expect(largest[0]).toBe(7);
    expect(largest[2]).toBe(127);
  });

  it('gives the bytes of its scheme when it changes nothing', async () => {
    const [plain, recipe] = [network().module, network().module];
    await prepare(plain, { scheme: 'w8a8', calibration });
    await prepare(recipe, { scheme: { scheme: 'w8a8', layers: [] }, calibration });
    const text = (module: typeof plain) => [...module.ops()].map(({ name, attributes }) => [name, attributes]);
    expect(text(recipe)).toEqual(text(plain));
  });
});
