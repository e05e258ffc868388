import { pad } from '../../dialects/nn/pad.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import { quantizeF32 } from '../../src/numerics/index.ts';
import { codesOf, type IntegerBuilder } from './builder.ts';

/** An op that moves elements moves codes; padding with a real value becomes padding with its code. */
export function lowerMove(op: Op, build: IntegerBuilder): Value {
  const operands = op.operands.map((v) => (v && typeof elementOf(v) !== 'string' ? build.stored(v) : v));
  return build.rewriter.createRaw(op.definition, operands, { ...op.attributes, ...fill(op) }, { source: op.source })
    .result;
}

const elementOf = (value: Value) => (value.type.kind === 'tensor' ? value.type.element : 'i32');

function fill(op: Op): { value?: number } {
  if (op.definition !== pad) return {};
  const { scale, zeroPoint, low, high } = codesOf(op.operand(0), op.source);
  return { value: quantizeF32(Math.fround(pad.attributesOf(op).value), scale, zeroPoint, low, high) };
}
