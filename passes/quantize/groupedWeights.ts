import { matmul } from '../../dialects/nn/matmul.ts';
import { type Op, type QuantType, quantParams, quantType } from '../../src/ir/index.ts';
import { formats, weightCode } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floatConstantOf } from '../constants.ts';
import { storeMatrix } from './storedWeights.ts';

/** Scales [group, output] as whole multiples of one number an output. */
export interface OutputSteps {
  readonly units: readonly number[];
  readonly steps: readonly number[];
}

/** Whether the weights of an op that is computed on codes have scales of groups: a matrix of several groups. */
export function isGrouped(op: Op, { granularity, group = 0 }: WeightScheme): boolean {
  const shape = floatConstantOf(op.operands[1])?.shape ?? [];
  return matmul.is(op) && granularity === 'group' && shape.length === 2 && (shape[0] as number) > group;
}

/** Scales [group, output] as such multiples, which they are. */
export function outputSteps(scale: readonly number[], outputs: number): OutputSteps {
  const groups = Array.from({ length: scale.length / outputs }, (_, g) => g);
  const units: number[] = [];
  const steps = new Array<number>(scale.length);
  for (let n = 0; n < outputs; n++) {
    const own = groups.map((g) => scale[g * outputs + n] as number);
    const found = formats.commonSteps(own) ?? { unit: own[0] as number, steps: own.map(() => 1) };
    units.push(found.unit);
    for (const g of groups) steps[g * outputs + n] = found.steps[g] as number;
  }
  return { units, steps };
}

/** Codes times the steps of their groups: what they are in units of their outputs. */
export function codesInUnits({ data, shape }: HostTensor, group: number, { steps }: OutputSteps): HostTensor {
  const outputs = shape[1] as number;
  const inUnits = Int32Array.from(data as Int8Array, (code, i) => {
    const [k, n] = [Math.floor(i / outputs), i % outputs];
    return code * (steps[Math.floor(k / group) * outputs + n] as number);
  });
  return { dtype: 'i32', shape, data: inUnits };
}

/** Weights in groups, as codes and their type. */
export interface GroupedMatrix extends OutputSteps {
  readonly codes: HostTensor;
  readonly type: QuantType;
}

/**
 * Codes of weights [inputs, outputs] whose scales of groups are whole multiples of one number an output.
 * @param unitFor the number that an output gets in the place of the one that its weights ask for: it times a power of two,
 * or any where all its weights are 0
 */
export function groupedMatrix(
  weights: HostTensor,
  scheme: WeightScheme,
  unitFor: (unit: number, output: number, isZero: boolean) => number = (unit) => unit,
): GroupedMatrix {
  const [inputs, outputs] = weights.shape as [number, number];
  const { codes, type } = storeMatrix(weights, scheme);
  const asked = outputSteps(type.params?.scale ?? [], outputs);
  const group = scheme.group as number;
  const data = codes.data as Int8Array;
  const columns = Array.from({ length: outputs }, (_, n) => Array.from({ length: inputs }, (_, k) => k * outputs + n));
  const isZero = columns.map((places) => places.every((i) => weights.data[i] === 0));
  const least = asked.units.reduce((least, unit, n) => (isZero[n] ? least : Math.min(least, unit)), Infinity);
  const unitOf = (n: number) => (isZero[n] ? (least < Infinity ? least : 1) : (asked.units[n] as number));
  const units = asked.units.map((_, n) => unitFor(unitOf(n), n, isZero[n] as boolean));
  const scale = asked.steps.map((step, i) => step * (units[i % outputs] as number));
  const bits = storageBits(scheme.storage);
  columns.forEach((places, n) => {
    if (units[n] === asked.units[n] || isZero[n]) return;
    places.forEach((i, k) => {
      data[i] = weightCode(weights.data[i] as number, scale[Math.floor(k / group) * outputs + n] as number, bits);
    });
  });
  const params = quantParams({ scale });
  const { storage, granularity } = type;
  return { codes, type: quantType({ storage, granularity, params }), units, steps: asked.steps };
}
