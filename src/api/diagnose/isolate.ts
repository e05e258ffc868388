import { constantOf } from '../../../passes/constants.ts';
import { evaluateOp, fromReals, interpret, toReals } from '../../interpret/index.ts';
import {
  integerRange,
  type Module,
  type Op,
  type QuantType,
  quantOf,
  type TensorType,
  type Value,
  withElement,
} from '../../ir/index.ts';
import { numbersOf, type Sample } from '../../pass/index.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { Noise } from '../measure/noise.ts';
import { dependents, type Source, withQuantizedConstants } from './layers.ts';

/** Counts of numbers that a rounding to codes treats badly. */
class Losses {
  #zeros = 0;
  #clipped = 0;
  #nonzero = 0;
  #count = 0;

  /** @param codes what the numbers became; real = (code − zero point)·scale */
  add(numbers: ArrayLike<number>, real: ArrayLike<number>, [low, high]: readonly [number, number]): void {
    this.#count += numbers.length;
    for (let i = 0; i < numbers.length; i++) {
      const x = numbers[i] as number;
      if (x < low || x > high) this.#clipped++;
      if (x === 0) continue;
      this.#nonzero++;
      if (real[i] === 0) this.#zeros++;
    }
  }

  /** Share of the numbers other than zero that became zero. */
  get zeros(): number {
    return this.#nonzero === 0 ? 0 : this.#zeros / this.#nonzero;
  }

  /** Share of the numbers that lie beyond the outermost codes by more than half a step. */
  get clipped(): number {
    return this.#count === 0 ? 0 : this.#clipped / this.#count;
  }
}

/** Measures one source of error alone: everything else is computed in float. */
export class Isolated {
  readonly source: Source;
  /** The source's own output against float's. */
  readonly own: Noise = new Noise();
  /** The model's judged output against float's. */
  readonly output: Noise = new Noise();
  /** What its constants alone do to its output, and what rounding the output to codes does. */
  readonly fromConstants: Noise = new Noise();
  readonly fromCodes: Noise = new Noise();
  readonly weights: Losses = new Losses();
  readonly codes: Losses = new Losses();
  readonly #module: Module;
  readonly #layer: ReturnType<typeof withQuantizedConstants> | undefined;
  readonly #dependents: ReadonlySet<Op>;

  constructor(source: Source, module: Module) {
    this.source = source;
    this.#module = module;
    const { floatOp, quantizedOp } = source;
    this.#layer = floatOp && withQuantizedConstants(floatOp, quantizedOp);
    this.#dependents = dependents(module, source.value);
    if (floatOp) this.#countWeights(floatOp, quantizedOp);
  }

  #countWeights(floatOp: Op, quantizedOp: Op): void {
    quantizedOp.operands.forEach((operand, i) => {
      const float = constantOf(floatOp.operands[i]);
      const codes = constantOf(operand);
      if (!operand || !float || !codes || !quantOf(operand.type as TensorType)) return;
      const real = toReals(codes, operand.type as TensorType).data as Float64Array;
      // Scales of weights are chosen by their largest: none is beyond the codes.
      this.weights.add(float.data as Float32Array, real, [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    });
  }

  /**
   * Runs a sample with this source alone quantized.
   * @param values every result of the float run, and its arguments
   */
  add(sample: Sample, values: ReadonlyMap<Value, HostTensor>, result: string, reference: Float64Array): void {
    const { value, codes } = this.source;
    const float = values.get(value) as HostTensor;
    const exact = this.#compute(values) ?? float;
    const rounded = codes ? this.#round(exact, codes) : exact;
    this.fromConstants.add(float.data as Float32Array, exact.data as Float32Array);
    this.fromCodes.add(exact.data as Float32Array, rounded.data as Float32Array);
    this.own.add(float.data as Float32Array, rounded.data as Float32Array);
    const known = new Map(values);
    for (const op of this.#dependents) for (const one of op.results) known.delete(one);
    known.set(value, rounded);
    const inputs = value.op ? sample : { ...sample, [value.name ?? '']: rounded };
    this.output.add(reference, numbersOf(interpret(this.#module, inputs, { known })[result] as HostTensor));
  }

  /** The layer on float operands with its quantized constants; undefined for a border. */
  #compute(values: ReadonlyMap<Value, HostTensor>): HostTensor | undefined {
    const { floatOp } = this.source;
    if (!floatOp || !this.#layer) return undefined;
    const { op, constants } = this.#layer;
    const operands = op.operands.map((operand, i) => constants.get(i) ?? (operand && values.get(operand)));
    return evaluateOp(op, operands)[0];
  }

  #round({ shape, data }: HostTensor, codes: QuantType): HostTensor {
    const type = withElement(this.source.value.type as TensorType, codes);
    const stored = fromReals({ dtype: 'f64', shape, data: Float64Array.from(data as Float32Array) }, type, 'f32');
    const real = toReals(stored, type);
    this.codes.add(data as Float32Array, real.data as Float64Array, realRange(codes));
    return { dtype: 'f32', shape, data: Float32Array.from(real.data as Float64Array) };
  }
}

/** What codes reach: their outermost values and half a step. Without one scale for all nothing is known to clip. */
function realRange({ storage, params }: QuantType): [number, number] {
  const [low, high] = integerRange(storage);
  const [scale, zeroPoint] = [params?.scale ?? [], params?.zeroPoint ?? []];
  const [s = 1, z = 0] = [scale[0], zeroPoint[0]];
  if (scale.length !== 1) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return [(low - z - 0.5) * s, (high - z + 0.5) * s];
}
