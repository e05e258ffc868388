import { constantOf } from '../../../passes/constants.ts';
import { isMove } from '../../../passes/quantize/capabilities.ts';
import { isStoredMatrix } from '../../../passes/storedMatrix.ts';
import { toReals } from '../../interpret/index.ts';
import {
  type Module,
  Op,
  type QuantType,
  quantOf,
  storedBytes,
  type TensorType,
  tensor,
  type Value,
  walk,
} from '../../ir/index.ts';
import type { HostTensor } from '../../support/tensor.ts';

/** A model twice, in float and quantized, and which op of the one became which of the other. */
export interface Twins {
  readonly float: Module;
  readonly quantized: Module;
  /** Ops of the float module by those of the quantized one; what quantization has added is not here. */
  readonly floatOf: ReadonlyMap<Op, Op>;
}

/** Where an error can enter: a quantized layer, or a border where float values become codes. */
export interface Source {
  readonly node: string;
  readonly op: string;
  readonly quantizedOp: Op;
  /** The float value that it is an approximation of. */
  readonly value: Value;
  /** The float layer; undefined for a border. */
  readonly floatOp: Op | undefined;
  /** The type of its codes; undefined where its exact sums go on as float. */
  readonly codes: QuantType | undefined;
  /** Names of the quantized layers that read its codes. */
  readonly readers: readonly string[];
}

/** Where errors enter the quantized module, in order. Ops that only move codes have no error of their own. */
export function sourcesOf({ quantized, float, floatOf }: Twins): Source[] {
  const sources: Source[] = [];
  for (const op of quantized.main.body.ops()) {
    const [result] = op.results;
    const type = result?.type.kind === 'tensor' ? quantOf(result.type as TensorType) : undefined;
    const floatOp = floatOf.get(op);
    const stores = isStoredMatrix(op.operands[1]) && !isStoredMatrix(floatOp?.operands[1]);
    if (!result || !(type || stores) || op.operands.length === 0) continue;
    const codes = type?.storage === 'i32' ? undefined : type;
    const common = { quantizedOp: op, codes, readers: readersOf(result) };
    if (floatOp && !isMove(op)) {
      sources.push({ ...common, node: op.source, op: op.name, value: floatOp.result, floatOp });
    } else if (op.name === 'quant.qcast') {
      const value = floatValueOf(op.operand(0), float, floatOf);
      if (value) sources.push({ ...common, node: op.source, op: op.name, value, floatOp: undefined });
    }
  }
  return sources;
}

/** The value of the float module that a value of the quantized one was before. */
function floatValueOf(value: Value, float: Module, floatOf: ReadonlyMap<Op, Op>): Value | undefined {
  const { op } = value;
  if (op) return floatOf.get(op)?.results[value.index];
  return float.main.body.args[value.index];
}

/** The layers that compute with a value's codes, through ops that only move them. */
function readersOf(value: Value): string[] {
  const names = new Set<string>();
  for (const { op } of value.uses) {
    const type = op.results[0]?.type;
    if (op.name.startsWith('quant.') || type?.kind !== 'tensor' || !quantOf(type as TensorType)) continue;
    if (isMove(op)) for (const name of readersOf(op.result)) names.add(name);
    else names.add(op.source);
  }
  return [...names];
}

/**
 * The float layer as it is computed with the constants of its quantized twin (rounded weights, corrected bias), and
 * those constants as reals by operand. The op stands in no block.
 */
export function withQuantizedConstants(floatOp: Op, quantizedOp: Op): { op: Op; constants: Map<number, HostTensor> } {
  const op = new Op(
    floatOp.definition,
    floatOp.results.map(({ type }) => type),
    floatOp.attributes,
    floatOp.source,
  );
  const constants = new Map<number, HostTensor>();
  quantizedOp.operands.forEach((operand, i) => {
    const codes = constantOf(operand);
    op.setOperand(i, floatOp.operands[i] ?? operand);
    if (!operand || !codes) return;
    const { shape, data } = toReals(codes, operand.type as TensorType);
    constants.set(
      i,
      quantOf(operand.type as TensorType)
        ? { dtype: 'f32', shape, data: Float32Array.from(data as Float64Array) }
        : codes,
    );
  });
  return { op, constants };
}

/** How many bytes the constants of each layer grow by when it stays float, by its name. */
export function growthInFloat(quantized: Module): Map<string, number> {
  const growth = new Map<string, number>();
  for (const op of quantized.main.body.ops()) {
    for (const operand of op.operands) {
      const type = operand && constantOf(operand) && quantOf(operand.type as TensorType);
      if (!type) continue;
      const more =
        storedBytes(tensor((operand.type as TensorType).shape, 'f32')) - storedBytes(operand.type as TensorType);
      growth.set(op.source, (growth.get(op.source) ?? 0) + more);
    }
  }
  return growth;
}

/** The ops of @main whose results depend on a value. */
export function dependents(module: Module, value: Value): ReadonlySet<Op> {
  const changed = new Set<Value>([value]);
  const found = new Set<Op>();
  for (const op of module.main.body.ops()) {
    const inner = op.regions.flatMap((region) => [...walk(region)]);
    if (![op, ...inner].some(({ operands }) => operands.some((operand) => operand && changed.has(operand)))) continue;
    found.add(op);
    for (const result of op.results) changed.add(result);
  }
  return found;
}
