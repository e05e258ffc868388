import { groupMatmul } from '../../dialects/int/groupMatmul.ts';
import { matmul as intMatmul } from '../../dialects/int/matmul.ts';
import { add, mul, sub } from '../../dialects/nn/binary.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { dynamicQcast } from '../../dialects/quant/dynamicQcast.ts';
import { fitsSums } from '../../kernels/index.ts';
import {
  type Op,
  type QuantType,
  quantOf,
  type Rewriter,
  type StoredWeights,
  staticShape,
  storedWeights,
  type TensorType,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { planeWidths } from '../../src/numerics/index.ts';
import { clampOf } from '../clamps.ts';
import { constantOf, createFloats, createInts } from '../constants.ts';

/** A vector of the narrowest plane of a code holds 4 inputs for each of its bits' turns; 8 bits are two planes. */
export const inputsOfTile = (bits: number): number => (bits === 8 ? 8 : 32 / Math.min(...planeWidths(bits)));

/** Quantizes activations by row where a product reads them, once for all that read the same. */
export class DynamicProducts {
  readonly #rewriter: Rewriter;
  readonly #made = new Map<Value, Map<string, readonly Value[]>>();

  constructor(rewriter: Rewriter) {
    this.#rewriter = rewriter;
  }

  /** Replaces an nn.matmul with stored weights by a product of codes, or of what the codes of activations stand for. */
  replace(op: Op, symmetric: boolean): void {
    const rewriter = this.#rewriter;
    const weights = op.operand(1);
    const type = weights.type as TensorType;
    const [inputs, outputs] = staticShape(type) as [number, number];
    const stored = storedWeights(quantOf(type) as QuantType, inputs, outputs);
    if (!stored) return;
    rewriter.before(op);
    const whole =
      !stored.widths && stored.groups === 1 && stored.bits === 8 && stored.offset === 128 && stored.commonZero === 128;
    if (stored.levels && !fitsSums(stored)) {
      rewriter.setOperand(op, 0, this.#rounded(op, inputs, symmetric));
      return;
    }
    const product = whole ? this.#wholeProduct(op, symmetric) : this.#groupProduct(op, stored, symmetric);
    const [min, max] = clampOf(op);
    const bounded =
      min > -Infinity || max < Infinity ? rewriter.create(clamp, { x: product }, { min, max }).result : product;
    rewriter.replace(op, [bounded]);
  }

  #groupProduct(op: Op, { bits, widths = [bits], group }: StoredWeights, symmetric: boolean): Value {
    const align = Math.max(...widths.map(inputsOfTile));
    const [a, scale, zero_point, sums] = this.#codesOf(op, group, align, symmetric) as [Value, Value, Value, Value];
    const operands = { a, scale, zero_point, sums, w: op.operand(1), bias: op.operands[2] };
    return this.#rewriter.create(groupMatmul, operands, {}, { source: op.source }).result;
  }

  /** One scale an output and 8 bits: an exact integer product, then the scales of rows and outputs. */
  #wholeProduct(op: Op, symmetric: boolean): Value {
    const rewriter = this.#rewriter;
    const { source } = op;
    const weights = op.operand(1);
    const { shape, data } = constantOf(weights) as { shape: readonly number[]; data: ArrayLike<number> };
    const [inputs, outputs] = shape as [number, number];
    const [a, scale, zeroPoint] = this.#codesOf(op, inputs, 1, symmetric) as [Value, Value, Value];
    const { value } = constant.attributesOf(weights.op as Op);
    const b = rewriter.create(
      constant,
      {},
      { value },
      { types: [withElement(weights.type as TensorType, 'i8')] },
    ).result;
    const types = [withElement(op.result.type as TensorType, 'i32')];
    const acc = rewriter.create(intMatmul, { a, b }, {}, { types, source }).result;
    const sums = Int32Array.from({ length: outputs }, (_, n) => {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += data[k * outputs + n] as number;
      return sum;
    });
    const columns = createInts(rewriter, `${source}.sums`, [outputs], sums);
    const shift = rewriter.create(mul, { a: zeroPoint, b: columns }, {}, { source }).result;
    const exact = symmetric ? acc : rewriter.create(sub, { a: acc, b: shift }, {}, { source }).result;
    const real = rewriter.create(cast, { x: exact }, { to: 'f32' }, { source }).result;
    const scales = (quantOf(weights.type as TensorType) as QuantType).params?.scale ?? [];
    const perOutput = createFloats(rewriter, `${source}.scale`, [outputs], scales);
    const byOutput = rewriter.create(mul, { a: real, b: perOutput }, {}, { source }).result;
    const scaled = rewriter.create(mul, { a: byOutput, b: scale }, {}, { source }).result;
    const bias = op.operands[2];
    return bias ? rewriter.create(add, { a: scaled, b: bias }, {}, { source }).result : scaled;
  }

  /** The activations as their codes stand for them, (a − z)·S, where levels of weights have no integer products. */
  #rounded(op: Op, inputs: number, symmetric: boolean): Value {
    const { source } = op;
    const [a, scale, zeroPoint] = this.#codesOf(op, inputs, 1, symmetric) as [Value, Value, Value];
    const [codes, zero] = [a, zeroPoint].map(
      (x) => this.#rewriter.create(cast, { x }, { to: 'f32' }, { source }).result,
    );
    const steps = this.#rewriter.create(sub, { a: codes as Value, b: zero as Value }, {}, { source }).result;
    return this.#rewriter.create(mul, { a: steps, b: scale }, {}, { source }).result;
  }

  #codesOf(op: Op, group: number, align: number, symmetric: boolean): readonly Value[] {
    const x = op.operand(0);
    const known = this.#made.get(x) ?? new Map<string, readonly Value[]>();
    this.#made.set(x, known);
    const key = `${group} ${align} ${symmetric}`;
    const made = known.get(key);
    if (made) return made;
    if (x.op) this.#rewriter.after(x.op);
    else this.#rewriter.before(op.block?.first as Op);
    const source = x.op?.source ?? x.name ?? op.source;
    const { results } = this.#rewriter.create(dynamicQcast, { x }, { group, align, symmetric }, { source });
    known.set(key, results);
    this.#rewriter.before(op);
    return results;
  }
}
