import { matmul } from '../../dialects/nn/matmul.ts';
import type { Module } from '../../src/ir/index.ts';
import { type Choice, equalLoss, leastCost, type Sized } from '../../src/linalg/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { definePass, type PassContext } from '../../src/pass/define.ts';
import {
  type Budget,
  type SolverName,
  type WeightScheme,
  type WeightStorage,
  weightText,
} from '../../src/scheme/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { isLinear } from '../channels.ts';
import { floatConstantOf } from '../constants.ts';
import { type BudgetUnit, budgetUnit, type StoredLayer, widths } from './budgetUnits.ts';
import { storeWidth } from './chosenWidths.ts';
import { skipOption } from './keptInFloat.ts';
import { LayerSchemes, recipeOption } from './layerSchemes.ts';
import { type LayerPart, layerWindows } from './layerWindows.ts';
import { type Cost, sensitivities } from './sensitivity.ts';
import { storeMatrix } from './storedWeights.ts';
import { tiedLayers } from './tiedLayers.ts';

/** Budgets for which what could be reached is reported, as shares of what the recipe alone takes. */
const reported = [0.5, 0.75, 1, 1.1, 1.25, 1.5, 1.75, 2];

/**
 * Chooses widths of the weights of each layer, so that the summed costs are least and what they take is within the budget.
 * A cost is the measured error ‖X·Q(W) − X·W‖²/‖X·W‖² on calibration rows, the layer alone rounded, or what a Hessian's trace
 * says of it. Layers that meet in a sum get one width. Source: Yao et al., HAWQ-V3 (2021), section 3.4.
 */
export const allocateBits = definePass({
  name: 'allocate-bits',
  summary: 'Chooses 2 to 8 bits for the weights of each layer, for the least error within the budget of the recipe.',
  phase: 'quantize',
  options: { recipe: recipeOption, skip: skipOption },
  preserves: 'bits',
  async run(module, { recipe, skip }, context) {
    const schemes = new LayerSchemes(module, recipe, skip);
    const { budget } = schemes;
    const layers = storedLayers(module, schemes);
    if (!budget || layers.length === 0) return;
    for (const { op, bits, scheme } of await allocated(module, layers, budget, context)) {
      storeWidth(module, op.source, bits);
      const storage = `i${bits}` as WeightStorage;
      if (storage === scheme.weights.storage) continue;
      const weights = weightText({ ...scheme.weights, storage });
      context.decide?.({ node: op.source, reason: `the recipe's budget gives it ${storage}`, weights });
    }
  },
});

/** Convolutions and products by a constant matrix whose weights become integers. */
function storedLayers(module: Module, schemes: LayerSchemes): StoredLayer[] {
  return [...module.main.body.ops()].flatMap((op) => {
    const { weights, activations } = schemes.of(op);
    if (!weights || !isLinear(op)) return [];
    const { shape, data } = floatConstantOf(op.operands[1]) as HostTensor;
    if (matmul.is(op) && shape.length !== 2) return [];
    // without calibrated activations, convolutions stay float
    if (!matmul.is(op) && activations?.granularity !== 'tensor') return [];
    if (!(data as Float32Array).every(Number.isFinite)) return [];
    return [{ op, scheme: { weights, activations } }];
  });
}

async function allocated(
  module: Module,
  layers: readonly StoredLayer[],
  budget: Budget,
  context: PassContext,
): Promise<(StoredLayer & { readonly bits: number })[]> {
  const ops = layers.map(({ op }) => op);
  const parts = await layerWindows(module, ops, context, 'a budget of bits');
  const unit = await budgetUnit(budget, layers, context);
  const byOp = new Map(layers.map((layer) => [layer.op, layer]));
  const groups = tiedLayers(ops).map((tied) => tied.map((op) => byOp.get(op) as StoredLayer));
  const cost = sensitivities[budget.sensitivity ?? 'output'](module, parts, context);
  const things = groups.map((group) => ({
    choices: summed(group.map((one) => choicesOf(one, parts.get(one.op) ?? [], cost, unit))),
    weights: group.reduce((sum, { op }) => sum + (floatConstantOf(op.operand(1)) as HostTensor).data.length, 0),
  }));
  const choices = things.map((thing) => thing.choices);
  const solve = (most: number) => solvers[budget.solver ?? 'program'](things, Math.floor(most));
  const places = solve(unit.most);
  if (!places) throw beyond(unit, choices);
  for (const share of reported) reportShare(choices, solve(share * unit.plain), share, unit, context);
  const sum = totals(choices, places);
  const what = `${sum.size} ${unit.name} of ${Math.floor(unit.most)}`;
  context.report(`bits: ${what}, error ${sum.cost.toPrecision(4)} over ${layers.length} layers`);
  return groups.flatMap((group, i) =>
    group.map((layer) => ({ ...layer, bits: widths[places[i] as number] as number })),
  );
}

type Solver = (things: readonly Sized[], budget: number) => number[] | undefined;

const solvers: Readonly<Record<SolverName, Solver>> = {
  program: (things, budget) =>
    leastCost(
      things.map(({ choices }) => choices),
      budget,
    ),
  'equal-loss': (things, budget) => equalLoss(things, widths, budget, (x) => elementary.log(x) / Math.LN2),
};

function choicesOf(layer: StoredLayer, parts: readonly LayerPart[], cost: Cost, unit: BudgetUnit): Choice[] {
  return widths.map((bits) => {
    const scheme: WeightScheme = { ...layer.scheme.weights, storage: `i${bits}`, rounding: 'nearest' };
    const differences = parts.map(({ weights }) =>
      Float64Array.from(storeMatrix(weights, scheme).numbers, (x, i) => x - (weights.data[i] as number)),
    );
    return { size: unit.of(layer, bits), cost: cost(layer.op, differences) };
  });
}

/** The choices of layers that get one width. */
function summed(layers: readonly (readonly Choice[])[]): Choice[] {
  return widths.map((_, i) =>
    totals(
      layers,
      layers.map(() => i),
    ),
  );
}

function totals(things: readonly (readonly Choice[])[], places: readonly number[]): Choice {
  const taken = things.map((choices, i) => choices[places[i] as number] as Choice);
  return taken.reduce((sum, { size, cost }) => ({ size: sum.size + size, cost: sum.cost + cost }), {
    size: 0,
    cost: 0,
  });
}

function reportShare(
  things: readonly (readonly Choice[])[],
  places: readonly number[] | undefined,
  share: number,
  unit: BudgetUnit,
  { report, front }: PassContext,
): void {
  if (!places) return;
  const { size, cost } = totals(things, places);
  front?.({ share, size, unit: unit.name, error: cost });
  report(`bits: at ${Math.round(100 * share)} % of the recipe's, ${size} ${unit.name}, error ${cost.toPrecision(4)}`);
}

function beyond({ most, name }: BudgetUnit, things: readonly (readonly Choice[])[]): QcError {
  const least = things.reduce((sum, choices) => sum + Math.min(...choices.map(({ size }) => size)), 0);
  return new QcError({
    what: `a budget of ${Math.floor(most)} ${name}`,
    why: `with the widths from ${widths[0]} to ${widths.at(-1)} bits a weight they take ${least} at least`,
    help: 'give a larger budget, or keep layers in float',
  });
}
