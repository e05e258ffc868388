import { constant } from '../../../dialects/nn/constant.ts';
import { isContraction } from '../../../passes/quantize/capabilities.ts';
import { typeText } from '../../graph/index.ts';
import { interpret } from '../../interpret/index.ts';
import { type Module, type Op, staticShape, type TensorType } from '../../ir/index.ts';
import { numbersOf, type Sample } from '../../pass/index.ts';
import { histogramOf, type ValueHistogram } from './histogram.ts';
import { type WeightPrecision, weightPrecision } from './weightBits.ts';

/** What a report says of one layer of the float model. */
export interface LayerReport {
  /** The model's own name of the node. */
  readonly layer: string;
  readonly ops: readonly string[];
  /** The type of what it gives. */
  readonly type: string;
  readonly multiplyAdds: number;
  readonly weightCount: number;
  readonly weights?: ValueHistogram;
  /** Of a sum of products: what rounding its weights to fewer bits leaves. */
  readonly precision?: readonly WeightPrecision[];
  /** What it gives on the samples. */
  readonly values?: ValueHistogram;
}

/** Weights of more elements are not counted into histograms one by one. */
const mostCounted = 4_000_000;

/** Describes every layer of a float model, its values on some samples among it. */
export function describeLayers(module: Module, samples: readonly Sample[]): LayerReport[] {
  const opsByLayer = new Map<string, Op[]>();
  for (const op of module.main.body.ops()) {
    if (constant.is(op) || op.definition.terminator) continue;
    opsByLayer.set(op.source, [...(opsByLayer.get(op.source) ?? []), op]);
  }
  const values = valuesByLayer(module, samples, opsByLayer);
  return [...opsByLayer].map(([layer, ops]) => {
    const weighted = ops.find((op) => isContraction(op) && constant.is(op.operands[1]?.op));
    const given = values.get(layer);
    const histogram = given && histogramOf(given);
    const last = ops.at(-1)?.results[0];
    return {
      layer,
      ops: ops.map(({ name }) => name),
      type: last ? typeText(last.type) : '',
      multiplyAdds: ops.reduce((sum, op) => sum + op.definition.cost(op).multiplyAdds, 0),
      ...(weighted ? describeWeights(weighted) : { weightCount: 0 }),
      ...(histogram ? { values: histogram } : {}),
    };
  });
}

function describeWeights(op: Op): Pick<LayerReport, 'weightCount' | 'weights' | 'precision'> {
  const value = op.operand(1);
  const shape = staticShape(value.type as TensorType);
  const { value: resource } = constant.attributesOf(value.op as Op);
  const weightCount = resource.length;
  if (weightCount > mostCounted) return { weightCount };
  const data = numbersOf({ dtype: resource.element, shape, data: resource.data() });
  const weights = histogramOf([data]);
  // [CO, CI, k…] of a convolution, [K, N] of a matmul
  const axis = op.name === 'nn.matmul' ? shape.length - 1 : 0;
  return { weightCount, ...(weights ? { weights } : {}), precision: weightPrecision(data, shape, axis) };
}

function valuesByLayer(
  module: Module,
  samples: readonly Sample[],
  opsByLayer: ReadonlyMap<string, readonly Op[]>,
): ReadonlyMap<string, Float64Array[]> {
  const last = new Set([...opsByLayer.values()].map((ops) => ops.at(-1)));
  const values = new Map<string, Float64Array[]>();
  for (const sample of samples) {
    interpret(module, sample, {
      observe(op, tensor, index) {
        if (index !== 0 || !last.has(op)) return;
        values.set(op.source, [...(values.get(op.source) ?? []), numbersOf(tensor)]);
      },
    });
  }
  return values;
}
