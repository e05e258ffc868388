import { clamp } from '../../dialects/nn/clamp.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { slice } from '../../dialects/nn/slice.ts';
import type { Block, Op, TensorType, Value } from '../../src/ir/index.ts';
import { constantOf } from '../constants.ts';
import { activationOperands, isContraction, isFloat32, isMove, isQuantizable } from './capabilities.ts';

/** What will be computed on codes. It is fixed when it is made: later changes of the graph do not change it. */
export interface QuantizationPlan {
  /** Ops that become integer ops, in order. */
  readonly ops: ReadonlySet<Op>;
  /** Results of these that others of them read as they are. A contraction whose result is not here keeps its sums. */
  readonly codes: ReadonlySet<Value>;
  /**
   * For each quantized value, the value whose range gives its codes their scale. Values that only move share one, and
   * a value that nothing but a clamp or a concat reads takes the range of what comes out there.
   */
  readonly rangeOf: ReadonlyMap<Value, Value>;
  /** Values whose ranges are needed, each once, in order. */
  readonly ranges: readonly Value[];
  /**
   * Values, by where their range comes from, that nothing but products of two computed tensors reads, and how many
   * products go into a sum there. Their codes have as many bits as sums of 32 bits allow: a softmax magnifies the errors
   * of its scores, and probabilities span many magnitudes. The sums become float.
   */
  readonly wide: ReadonlyMap<Value, number>;
  /** Values, by where their range comes from, whose codes have 16 bits. */
  readonly raised: ReadonlySet<Value>;
}

/**
 * Chooses what is quantized: contractions, and whatever lies between one contraction and the next and has an
 * integer form. What comes before the first or after the last contraction stays float, and so does an op without
 * integer form, together with what it alone separates from the contractions. What only moves elements of codes moves
 * codes for readers in float, too: a quarter of the bytes.
 *
 * @param kept ops that stay float whatever they are
 */
export function planQuantization(block: Block, kept: ReadonlySet<Op> = new Set()): QuantizationPlan {
  const ops = new Set(chooseOps([...block.ops()], (op) => !kept.has(op)));
  const rangeOf = new Map<Value, Value>();
  const codes = new Set<Value>();
  const need = (value: Value) => rangeOf.set(value, rangeSource(value, ops));
  for (const op of ops) {
    for (const i of activationOperands(op)) if (!constantOf(op.operand(i))) need(op.operand(i));
    const inCodes = [...op.result.users].some((user) => ops.has(user) && scoreDepth(user) === undefined);
    if (!inCodes || scoreDepth(op) !== undefined) continue;
    codes.add(op.result);
    need(op.result);
  }
  for (const op of block.ops()) {
    if (ops.has(op) || kept.has(op) || !isMove(op) || bringsIn(op) || !codes.has(op.operand(0))) continue;
    ops.add(op);
    codes.add(op.result);
    need(op.result);
  }
  return {
    ops,
    codes,
    rangeOf,
    ranges: [...new Set(rangeOf.values())],
    wide: wideValues(ops, codes, rangeOf),
    raised: new Set(),
  };
}

/** Whether an op adds elements that its operand's codes may not hold. */
const bringsIn = (op: Op): boolean => pad.is(op) && pad.attributesOf(op).value !== 0;

function wideValues(
  ops: ReadonlySet<Op>,
  codes: ReadonlySet<Value>,
  rangeOf: ReadonlyMap<Value, Value>,
): ReadonlyMap<Value, number> {
  const wide = new Map<Value, number>();
  const narrow = new Set<Value>();
  for (const op of ops) {
    const depth = scoreDepth(op);
    for (const i of activationOperands(op)) {
      const source = rangeOf.get(op.operand(i));
      if (!source) continue;
      const made = codes.has(source);
      if (depth !== undefined && !made) wide.set(source, Math.max(depth, wide.get(source) ?? 0));
      else if (!isMove(op)) narrow.add(source);
    }
  }
  for (const op of ops) {
    // One operand of 8 bits leaves the other one as it is: both or none.
    const sources = scoreDepth(op) === undefined ? [] : activationOperands(op).map((i) => rangeOf.get(op.operand(i)));
    const both = sources.every((source) => source && wide.has(source) && !narrow.has(source));
    if (!both) for (const source of sources) if (source) narrow.add(source);
  }
  return new Map([...wide].filter(([source]) => !narrow.has(source)));
}

/** Products in a sum of a matrix product of two computed tensors. */
function scoreDepth(op: Op): number | undefined {
  if (op.definition !== matmul || op.operands.slice(0, 2).some((v) => constantOf(v))) return undefined;
  const depth = (op.operand(0).type as TensorType).shape.at(-1);
  return typeof depth === 'number' ? depth : undefined;
}

function chooseOps(all: readonly Op[], allowed: (op: Op) => boolean): ReadonlySet<Op> {
  const afterContraction = new Set<Value>();
  for (const op of all.filter(allowed)) {
    const follows = isQuantizable(op) && activationOperands(op).some((i) => afterContraction.has(op.operand(i)));
    if (isContraction(op) || follows) afterContraction.add(op.result);
  }
  const chosen = new Set<Op>();
  // Products of two computed tensors, and the moves that bring their factors: these stay float, so that the factors are
  // rounded once, to wide codes.
  const bringing = new Set<Op>();
  const isRead = ({ result }: Op) =>
    [...result.uses].some(
      ({ op, index }) => chosen.has(op) && !bringing.has(op) && activationOperands(op).includes(index),
    );
  for (const op of all.filter(allowed).toReversed()) {
    if (isContraction(op)) {
      chosen.add(op);
      if (scoreDepth(op) !== undefined) bringing.add(op);
    } else if (isMove(op) && op.result.uses.size > 0 && [...op.result.users].some((user) => bringing.has(user))) {
      bringing.add(op);
    } else if (isQuantizable(op) && (afterContraction.has(op.result) || (isMove(op) && !selectsPart(op)))) {
      const constant = isMove(op) && constantOf(op.operands[0]);
      if (isRead(op) && !constant && activationOperands(op).every((i) => isFloat32(op.operands[i]))) chosen.add(op);
    }
  }
  return new Set(all.filter((op) => chosen.has(op)));
}

/**
 * Whether an op selects one part of a tensor that may hold others of another range, as the state of a recurrent cell
 * holds its output and its memory.
 */
function selectsPart(op: Op): boolean {
  if (gather.is(op)) return constantOf(op.operands[1]) !== undefined;
  return slice.is(op) && slice.attributesOf(op).steps.every((step) => step === 1);
}

function rangeSource(value: Value, ops: ReadonlySet<Op>): Value {
  const made = value.op;
  if (made && ops.has(made) && isMove(made)) return rangeSource(made.operand(0), ops);
  const end = soleReader(value, ops);
  return end && made && ops.has(made) ? rangeSource(end.result, ops) : value;
}

/** The clamp or concat that alone reads a value, directly or through moves. */
function soleReader(value: Value, ops: ReadonlySet<Op>): Op | undefined {
  const [reader, ...others] = value.users;
  if (!reader || others.length > 0 || !ops.has(reader)) return undefined;
  if (reader.definition === clamp || reader.definition === concat) return reader;
  return isMove(reader) ? soleReader(reader.result, ops) : undefined;
}
