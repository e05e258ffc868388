import { interpret, Recollection, Stream } from '../../src/interpret/index.ts';
import type { Module, Op, Value } from '../../src/ir/index.ts';
import type { PassContext, Sample } from '../../src/pass/define.ts';
import type { SensitivityName } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { samplesOf } from '../calibrate/sampleRows.ts';
import { floatConstantOf } from '../constants.ts';
import { product, squares } from '../transform/layerError.ts';
import type { LayerPart } from './layerWindows.ts';

/** What a change of a layer's weights costs, the change given for each of its parts as [depth, outputs]. */
export type Cost = (op: Op, differences: readonly Float64Array[]) => number;

/** What the layers of a model multiply on calibration rows. */
export type Parts = ReadonlyMap<Op, readonly LayerPart[]>;

type Sensitivity = (module: Module, parts: Parts, context: PassContext) => Cost;

/** By name, how the cost of rounding a layer's weights is found. */
export const sensitivities: Readonly<Record<SensitivityName, Sensitivity>> = {
  output: (_, parts) => {
    const power = powers(parts);
    return (op, differences) => {
      const errors = partsOf(parts, op).map(({ rows, weights }, i) =>
        squares(product(rows.rows, differences[i] as Float64Array, rows.count, weights.shape as [number, number])),
      );
      return relative(sum(errors), power.get(op));
    };
  },
  trace: (_, parts) => {
    const power = powers(parts);
    return (op, differences) => {
      const errors = partsOf(parts, op).map(
        ({ rows, weights }, i) => (squares(rows.rows) / (weights.shape[0] as number)) * squares(at(differences, i)),
      );
      return relative(sum(errors), power.get(op));
    };
  },
  hutchinson: (module, parts, context) => {
    const curvature = new Map([...parts.keys()].map((op) => [op, meanCurvature(module, op, context)]));
    return (op, differences) => (curvature.get(op) as number) * sum(differences.map(squares));
  },
};

/** ‖X·W‖² of each layer. */
function powers(parts: Parts): ReadonlyMap<Op, number> {
  return new Map(
    [...parts].map(([op, some]) => [
      op,
      sum(
        some.map(({ rows, weights }) =>
          squares(product(rows.rows, weights.data as Float32Array, rows.count, weights.shape as [number, number])),
        ),
      ),
    ]),
  );
}

/** Samples on which whole models are run, and how far weights are moved, over their root mean square. */
const [probes, reach] = [2, 1e-4];

/**
 * Half the mean of the diagonal of H, the Hessian of ‖f(W + Δ) − f(W)‖²/‖f(W)‖² in a layer's weights, f the model's results:
 * E[vᵀHv] = tr(H) for v of random signs (Hutchinson), and at its minimum the function itself is ½·ε²·vᵀHv for Δ = ε·v. So no
 * gradient is needed: each sample is computed once more for each layer, in f64.
 * Source: Dong et al., HAWQ-V2 (2020), where gradients give vᵀHv.
 */
function meanCurvature(module: Module, op: Op, context: PassContext): number {
  const constant = op.operand(1) as Value;
  const weights = floatConstantOf(constant) as HostTensor;
  const data = weights.data as Float32Array;
  const step = reach * Math.sqrt(squares(data) / data.length);
  if (step === 0) return 0;
  const signs = randomSigns();
  let total = 0;
  let count = 0;
  for (const sample of samplesOf(context, 'a budget of bits')) {
    if (count === probes) break;
    const moved = Float64Array.from(data, (w) => w + step * signs());
    const [plain, other] = resultsOf(module, sample, new Map([[constant, { ...weights, dtype: 'f64', data: moved }]]));
    const power = sum(plain.map(squares));
    const change = sum(plain.map((y, i) => squares(y.map((v, j) => v - (at(other, i)[j] as number)))));
    total += relative(change, power);
    count++;
  }
  return count > 0 ? total / count / step ** 2 / data.length : 0;
}

/** Float results of a model on a sample: as it is, and with other weights. */
function resultsOf(
  module: Module,
  sample: Sample,
  known: ReadonlyMap<Value, HostTensor>,
): readonly [plain: Float64Array[], other: Float64Array[]] {
  const inputs = { ...new Stream(module).states, ...sample };
  const recollection = new Recollection();
  const run = (given: ReadonlyMap<Value, HostTensor>): Float64Array[] => {
    const results = Object.values(interpret(module, inputs, { precision: 'f64', known: given, recollection }));
    return results.flatMap(({ data }) => (data instanceof Float64Array ? [data] : []));
  };
  return [run(new Map()), run(known)];
}

/** ±1, always the same (Marsaglia's xorshift). */
function randomSigns(): () => number {
  let state = 0x9e3779b9 | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state < 0 ? -1 : 1;
  };
}

const partsOf = (parts: Parts, op: Op): readonly LayerPart[] => parts.get(op) ?? [];
const at = (list: readonly Float64Array[], i: number): Float64Array => list[i] as Float64Array;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const relative = (error: number, power: number | undefined): number => (power ? error / power : 0);
