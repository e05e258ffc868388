import type { Module, Op, Value } from '../../src/ir/index.ts';
import { type Choice, leastCost } from '../../src/linalg/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import { type Budget, storageBits, type WeightScheme, type WeightStorage, weightText } from '../../src/scheme/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type SampledRows, sampleRows } from '../calibrate/sampleRows.ts';
import { floatConstantOf } from '../constants.ts';
import { layerError } from '../transform/layerError.ts';

/** A layer whose weights will be stored, as the recipe says where nothing else is decided. */
export interface StoredLayer {
  readonly op: Op;
  readonly scheme: WeightScheme;
}

const widths = [2, 3, 4, 5, 6, 8] as const;

/** Sizes for which what could be reached is reported, as shares of what the recipe alone takes. */
const reported = [0.75, 1, 1.25, 1.5, 1.75];

/**
 * Widths of the weights of each layer, so that the summed errors of the layers' results are least and the codes take no
 * more bytes than the budget. An error is measured: ‖X·Q(W) − X·W‖²/‖X·W‖² on calibration rows, the layer alone rounded.
 * Source: Yao et al., HAWQ-V3 (2021), section 3.4, with measured errors in the place of the Hessian's trace.
 * @throws QcError without calibration samples, or where the budget is below 2 bits a weight
 */
export async function allocateBits(
  module: Module,
  layers: readonly StoredLayer[],
  budget: Budget,
  context: PassContext,
): Promise<ReadonlyMap<Op, WeightScheme>> {
  const inputs: Value[] = [...new Set(layers.map(({ op }) => op.operand(0)))];
  const rows = await sampleRows(module, inputs, context, 'a budget of bits');
  const things = layers.map((layer) => choicesOf(layer, rows.get(layer.op.operand(0)) as SampledRows));
  const plain = layers.reduce((sum, { op, scheme }) => sum + bytesOf(op, storageBits(scheme.storage)), 0);
  const most = Math.floor('bytes' in budget ? budget.bytes : budget.share * plain);
  const places = leastCost(things, most);
  if (!places) throw beyond(most, things);
  for (const share of reported) reportShare(things, share, share * plain, context);
  const sum = totals(things, places);
  context.report(
    `bits: ${sum.size} bytes of codes of ${most}, error ${sum.cost.toPrecision(4)} over ${layers.length} layers`,
  );
  return new Map(
    layers.map(({ op, scheme }, i) => {
      const storage = `i${widths[places[i] as number]}` as WeightStorage;
      if (storage !== scheme.storage) {
        const weights = weightText({ ...scheme, storage });
        context.decide?.({ node: op.source, reason: `the recipe's budget gives it ${storage}`, weights });
      }
      return [op, { ...scheme, storage }];
    }),
  );
}

function choicesOf({ op, scheme }: StoredLayer, rows: SampledRows): Choice[] {
  const weights = floatConstantOf(op.operands[1]) as HostTensor;
  return widths.map((bits) => ({
    size: bytesOf(op, bits),
    cost: layerError(rows, weights, { weights: { ...scheme, storage: `i${bits}` } }),
  }));
}

/** Of the codes of a layer's weights. */
function bytesOf(op: Op, bits: number): number {
  return Math.ceil(((floatConstantOf(op.operands[1]) as HostTensor).data.length * bits) / 8);
}

function totals(things: readonly (readonly Choice[])[], places: readonly number[]): Choice {
  const taken = things.map((choices, i) => choices[places[i] as number] as Choice);
  return taken.reduce((sum, { size, cost }) => ({ size: sum.size + size, cost: sum.cost + cost }), {
    size: 0,
    cost: 0,
  });
}

function reportShare(things: readonly (readonly Choice[])[], share: number, bytes: number, context: PassContext): void {
  const places = leastCost(things, Math.floor(bytes));
  if (!places) return;
  const { size, cost } = totals(things, places);
  context.report(
    `bits: at ${Math.round(100 * share)} % of the recipe's codes, ${size} bytes, error ${cost.toPrecision(4)}`,
  );
}

function beyond(most: number, things: readonly (readonly Choice[])[]): QcError {
  const least = things.reduce((sum, choices) => sum + (choices[0] as Choice).size, 0);
  return new QcError({
    what: `a budget of ${most} bytes for the codes of weights`,
    why: `with ${widths[0]} bits a weight they take ${least}`,
    help: 'give a larger budget, or keep layers in float',
  });
}
