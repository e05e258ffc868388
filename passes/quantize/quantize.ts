import { clamp } from '../../dialects/nn/clamp.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { loadRange, takeWindow } from '../../src/calibrate/index.ts';
import {
  attr,
  type Block,
  type Module,
  type Op,
  type QuantType,
  quantOf,
  quantParams,
  quantType,
  Rewriter,
  type TensorType,
  type Type,
  tensor,
  type Use,
  uniformParams,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import { quantizeF32 } from '../../src/numerics/index.ts';
import { definePass, type PassContext } from '../../src/pass/define.ts';
import { type WeightScheme, weightText } from '../../src/scheme/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelAxis } from '../channels.ts';
import { clampOf } from '../clamps.ts';
import { constantName, createConstant, floatConstantOf } from '../constants.ts';
import { activationOperands, isContraction, isMove } from './capabilities.ts';
import { constantType } from './constantType.ts';
import { correctBias } from './correctBias.ts';
import { feasiblePlan, typeIn, type ValueRange, wideLimit } from './feasiblePlan.ts';
import { isGrouped } from './groupedWeights.ts';
import { skipOption } from './keptInFloat.ts';
import { LayerSchemes, recipeOption } from './layerSchemes.ts';
import { planQuantization, type QuantizationPlan } from './plan.ts';
import { quantizeWeightsOf } from './weights.ts';

/** Gives values quantized types; what stays float is separated by casts. */
export const quantize = definePass({
  name: 'quantize',
  summary: 'Gives weights and activations quantized types, with casts where float remains.',
  phase: 'quantize',
  options: {
    weights: attr.oneOf(['i8'], 'i8'),
    activations: attr.oneOf(['i8'], 'i8'),
    /** Layers whose mean input calibration has not seen keep their bias. */
    correct_bias: attr.bool(true),
    /** Layers that stay float. */
    skip: skipOption,
    recipe: recipeOption,
  },
  preserves: { snr: 10 },
  run(module, { correct_bias, skip, recipe }, context) {
    const schemes = new LayerSchemes(module, recipe, skip);
    const schemeOf = (op: Op) => schemes.of(op).weights as WeightScheme;
    const windows = takeWindows(module);
    const ranges = activationRanges(module, schemes.notStatic);
    const plan = feasiblePlan(module.main.body, schemes.notStatic, ranges, schemeOf, context);
    if (correct_bias) correctBiases(plan, windows, schemeOf, context);
    const quantizer = new Quantizer(plan, ranges, schemeOf, context);
    for (const op of plan.ops) quantizer.quantizeOp(op);
  },
});

/**
 * Takes the observers out; the ranges of their values, without those values that have no usable one.
 * @throws QcError where a value that the plan needs was not calibrated
 */
function activationRanges(module: Module, skipped: ReadonlySet<Op>): Map<Value, ValueRange> {
  const ranges = new Map<Value, ValueRange>();
  const calibrated = new Set<Value>();
  const rewriter = new Rewriter();
  for (const op of module.main.body.ops()) {
    if (!observe.is(op)) continue;
    const { stats, bits } = observe.attributesOf(op);
    const range = loadRange(module, stats);
    if (range) calibrated.add(op.operand(0));
    if (range && Number.isFinite(range.max - range.min)) ranges.set(op.operand(0), { ...range, bits });
    rewriter.replace(op, [op.operand(0)]);
  }
  const missing = planQuantization(module.main.body, skipped).ranges.find((value) => !calibrated.has(value));
  if (!missing) return ranges;
  throw new QcError({
    what: 'this value has no calibrated range',
    where: missing.op?.source ?? missing.name,
    why: 'quantize needs the ranges that calibrate collects',
    help: 'run insert-observers and calibrate before quantize, with calibration data',
  });
}

/** Takes the observers of layers' inputs out; the means that they have collected, by the layer that reads them. */
function takeWindows(module: Module): Map<Op, Float64Array> {
  const windows = new Map<Op, Float64Array>();
  const rewriter = new Rewriter();
  for (const op of module.main.body.ops()) {
    if (!observeWindows.is(op)) continue;
    const mean = takeWindow(module, observeWindows.attributesOf(op).stats);
    for (const layer of op.result.users) if (mean) windows.set(layer, mean);
    rewriter.replace(op, [op.operand(0)]);
  }
  return windows;
}

function correctBiases(
  { ops }: QuantizationPlan,
  windows: ReadonlyMap<Op, Float64Array>,
  schemeOf: (op: Op) => WeightScheme,
  context: PassContext,
): void {
  const layers = [...ops].filter((op) => windows.has(op));
  for (const op of layers) correctBias(op, windows.get(op) as Float64Array, schemeOf(op));
  context.report(`corrected the biases of ${layers.length} layers`);
}

/** The scale of a value of a quantized type with one. */
function scaleOf(value: Value): number {
  const params = uniformParams(quantOf(value.type as TensorType) as QuantType);
  return (params as { scale: number }).scale;
}

class Quantizer {
  readonly #plan: QuantizationPlan;
  readonly #ranges: ReadonlyMap<Value, ValueRange>;
  readonly #schemeOf: (op: Op) => WeightScheme;
  readonly #context: PassContext;
  readonly #rewriter = new Rewriter();
  /** Quantized versions of float values, and of constants. */
  readonly #casts = new Map<Value, Value>();
  /** The values whose sums these float values are. */
  readonly #sums = new Map<Value, Value>();
  /** Operands of concats that are not quantized yet. */
  readonly #detached = new Map<Op, readonly (Value | undefined)[]>();

  constructor(
    plan: QuantizationPlan,
    ranges: ReadonlyMap<Value, ValueRange>,
    schemeOf: (op: Op) => WeightScheme,
    context: PassContext,
  ) {
    this.#plan = plan;
    this.#ranges = ranges;
    this.#schemeOf = schemeOf;
    this.#context = context;
    for (const op of plan.ops) if (op.definition === concat) this.#detach(op);
    // Before any type changes: a new type runs on through ops that move elements, up to their readers in float.
    for (const value of plan.codes) this.#castFloatUses(value);
  }

  /** Operands of a concat get their types one after the other, and only together they fit: it waits without them. */
  #detach(op: Op): void {
    this.#detached.set(op, [...op.operands]);
    op.operands.forEach((_, i) => {
      this.#rewriter.setOperand(op, i, undefined);
    });
  }

  quantizeOp(op: Op): void {
    const operands = this.#detached.get(op) ?? op.operands;
    for (const i of activationOperands(op)) this.#rewriter.setOperand(op, i, this.#codesOf(operands[i] as Value, op));
    if (op.definition === concat) this.#alignOperands(op);
    const scales = isContraction(op) ? this.#quantizeWeights(op) : undefined;
    const y = op.result;
    if (!this.#plan.codes.has(y)) {
      this.#keepAccumulator(op, scales as readonly number[]);
      return;
    }
    const [inferred] = op.definition.infer(op.operands, op.attributes) as [Type];
    const type = isMove(op) || op.definition === concat ? inferred : withElement(y.type as TensorType, this.#typeOf(y));
    this.#rewriter.retype(y, type);
  }

  #typeOf(value: Value): QuantType {
    return typeIn(this.#plan, this.#ranges, this.#sums.get(value) ?? value) as QuantType;
  }

  /** The value as codes, for `reader`. */
  #codesOf(value: Value, reader: Op): Value {
    if (quantOf(value.type as TensorType)) return value;
    const known = this.#casts.get(value);
    if (known) return known;
    const cast = floatConstantOf(value) ? this.#quantizeConstant(value, reader) : this.#castIn(value);
    this.#casts.set(value, cast);
    return cast;
  }

  #castIn(value: Value): Value {
    if (value.op) this.#rewriter.after(value.op);
    else this.#rewriter.atStart(value.definer as Block);
    const types = [withElement(value.type as TensorType, this.#typeOf(value))];
    const source = value.op?.source ?? value.name ?? '';
    return this.#rewriter.create(qcast, { x: this.#limited(value) }, {}, { types, source }).result;
  }

  /** A value whose codes are wide, within the limits that the sums rely on. */
  #limited(x: Value): Value {
    const value = this.#sums.get(x) ?? x;
    const from = this.#plan.rangeOf.get(value) ?? value;
    if (!this.#plan.wide.has(from)) return x;
    const max = wideLimit(this.#ranges.get(from) as ValueRange);
    return this.#rewriter.create(clamp, { x }, { min: -max, max }).result;
  }

  /** A constant operand is quantized by what it holds, where it is defined. */
  #quantizeConstant(value: Value, reader: Op): Value {
    const { shape, data } = floatConstantOf(value) as HostTensor;
    const numbers = data as Float32Array;
    const type = constantType(numbers, reader.source);
    const { scale, zeroPoint } = uniformParams(type) as { scale: number; zeroPoint: number };
    const codes = Int8Array.from(numbers, (x) => quantizeF32(x, scale, zeroPoint, -128, 127));
    this.#rewriter.after(value.op as Op);
    return createConstant(
      this.#rewriter,
      constantName(value, reader.source),
      { dtype: 'i8', shape, data: codes },
      type,
    );
  }

  /** Operands of a concat get the type of its result: those with another one are rescaled by a clamp without bounds. */
  #alignOperands(op: Op): void {
    const type = this.#typeOf(op.result);
    op.operands.forEach((operand, i) => {
      const value = operand as Value;
      if ((value.type as TensorType).element === type) return;
      this.#rewriter.before(op);
      const types = [withElement(value.type as TensorType, type)];
      this.#rewriter.setOperand(op, i, this.#rewriter.create(clamp, { x: value }, {}, { types }).result);
    });
  }

  /** Quantizes constant weights. The scales of the accumulator, one a channel or one for all. */
  #quantizeWeights(op: Op): readonly number[] {
    const inputScale = scaleOf(op.operand(0));
    if (!floatConstantOf(op.operands[1])) return [inputScale * scaleOf(op.operand(1))];
    this.#rewriter.before(op);
    const scheme = this.#schemeOf(op);
    if (scheme.granularity === 'group' && !isGrouped(op, scheme)) {
      const weights = weightText({ ...scheme, granularity: 'channel', scale: 'f32' });
      this.#context.decide?.({ node: op.source, reason: 'only matrices of several groups have groups', weights });
    }
    const { value, scales, raised } = quantizeWeightsOf(this.#rewriter, op, inputScale, scheme);
    this.#rewriter.setOperand(op, 1, value);
    if (raised > 0)
      this.#context.report(`${op.source}: the weight scale of ${raised} channels was raised to fit the bias`);
    return scales.map((scale) => inputScale * scale);
  }

  /** The last contraction before float: its exact sums become float, without 8-bit codes in between. */
  #keepAccumulator(op: Op, scale: readonly number[]): void {
    const y = op.result;
    const { shape, layout } = y.type as TensorType;
    const granularity =
      scale.length === 1 ? { kind: 'tensor' as const } : { kind: 'axis' as const, axis: channelAxis(op) };
    const element = quantType({ storage: 'i32', granularity, params: quantParams({ scale }) });
    const [min, max] = clampOf(op);
    this.#castUses(y, [...y.uses], min, max);
    this.#rewriter.setAttributes(op, { clamp: [-Infinity, Infinity] });
    this.#rewriter.retype(y, tensor(shape, element, layout));
  }

  /** Ops that stay float, and results of the model, read the real value of `value`. */
  #castFloatUses(value: Value): void {
    const uses = [...value.uses].filter((use) => !this.#plan.ops.has(use.op));
    this.#castUses(value, uses, -Infinity, Infinity);
  }

  /** These uses read the real value of `value`, within bounds. */
  #castUses(value: Value, uses: readonly Use[], min: number, max: number): void {
    if (uses.length === 0) return;
    this.#rewriter.after(value.op as Op);
    let real = this.#rewriter.create(dcast, { x: value }, {}, { types: [value.type] }).result;
    if (min > -Infinity || max < Infinity) real = this.#rewriter.create(clamp, { x: real }, { min, max }).result;
    this.#sums.set(real, value);
    for (const { op, index } of uses) this.#rewriter.setOperand(op, index, real);
  }
}
