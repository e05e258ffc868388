import type { Dim, Op, Sums, TensorType } from '../ir/index.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { type Binding, bindAttributes, bindType } from './bind.ts';
import { fromReals, type Precision, toReals, widened } from './represent.ts';

/** What the evaluation of one op needs beside its operands. */
export interface EvaluateOptions {
  readonly precision?: Precision;
  readonly sums?: Sums;
  readonly binding?: Binding;
  /** Runs a region of the op; needed for ops that have regions. */
  readonly runRegion?: (index: number, args: readonly HostTensor[]) => HostTensor[];
}

const noSymbols: Binding = new Map();

/**
 * The results of one op, as its types store them: logical row-major, codes for quantized types, bit patterns for
 * narrow floats. Operands come in the same form.
 * @throws QcError when the operands have no result, or the op has no reference meaning.
 */
export function evaluateOp(
  op: Op,
  operands: readonly (HostTensor | undefined)[],
  { precision = 'f32', sums, binding = noSymbols, runRegion }: EvaluateOptions = {},
): HostTensor[] {
  const { definition } = op;
  const { evaluate } = definition;
  if (!evaluate) throw new InternalError(`${op.name} has no reference meaning`);
  const open = definition.dataDependent;
  const results = op.results.map(({ type }) => (open ? (type as TensorType) : bindType(type as TensorType, binding)));
  const operandTypes = op.operands.map((value) => value?.type as TensorType | undefined);
  const attributes = open ? op.attributes : bindAttributes(op.attributes, binding);
  for (const result of results) checkSize(op, result);
  // Ops that only move elements take them as they are stored.
  const stored = definition.domain === 'codes' || definition.typing === 'moves';
  const taken = operands.map((operand, i) => {
    if (!operand) return undefined;
    const tensor = widened(operand, precision);
    return stored ? tensor : toReals(tensor, op.operands[i]?.type as TensorType);
  });
  const regions = op.regions.map((_, i) => (args: readonly HostTensor[]) => {
    if (!runRegion) throw new InternalError(`${op.name} has regions and nothing runs them`);
    return runRegion(i, args);
  });
  const values = located(op, () => evaluate(taken, attributes, { results, sums, operandTypes, regions }));
  return values.map((value, i) => {
    const type = results[i];
    if (!type) throw new InternalError(`${op.name} gave ${values.length} results, it has ${results.length}`);
    checkShape(op, value, type);
    return stored ? value : fromReals(value, type, precision);
  });
}

/** Most elements of one tensor. */
const elementLimit = 2 ** 30;

function checkSize(op: Op, { shape }: TensorType): void {
  const count = shape.reduce<number>((n, dim) => (typeof dim === 'number' ? n * dim : n), 1);
  if (count <= elementLimit) return;
  throw new QcError({
    what: `the result has the shape [${shape.join(', ')}], ${count} elements`,
    where: whereOf(op),
    why: `a tensor may have ${elementLimit}`,
    help: 'check the shapes of the inputs and of the model',
  });
}

function checkShape(op: Op, value: HostTensor, type: TensorType): void {
  if (value.shape.length === type.shape.length && value.shape.every((dim, i) => fits(dim, type.shape[i]))) return;
  throw new QcError({
    what: `the result has the shape [${value.shape.join(', ')}], not [${type.shape.join(', ')}]`,
    where: whereOf(op),
    why: 'the sizes of the inputs do not go together',
    help: 'check the shapes of the inputs',
  });
}

/** A size that depends on data may be any. */
const fits = (size: number, dim: Dim | undefined) => typeof dim !== 'number' || dim === size;

const whereOf = (op: Op) => (op.source ? `${op.source} (${op.name})` : op.name);

/** Adds the op to errors that do not say where they are. */
function located<T>(op: Op, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof QcError) || error.diagnostic.where) throw error;
    throw new QcError({ ...error.diagnostic, where: whereOf(op) });
  }
}
