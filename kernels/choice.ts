import { where } from '../dialects/nn/where.ts';
import type { Op, Value } from '../src/ir/index.ts';
import { tensorType } from './cluster.ts';

/**
 * Whether an op takes the whole of one operand or the whole of another, by a condition of one element: then what
 * only the operand that is not taken needs, need not be computed.
 */
export function isChoice(op: Op): boolean {
  if (!where.is(op)) return false;
  const { condition, a, b } = where.operandsOf(op);
  const shapeOf = (value: Value) => tensorType(value).shape;
  const ways = [a, b];
  const whole = shapeOf(op.result).join();
  if (new Set([condition, a, b]).size < 3) return false;
  return shapeOf(condition).every((d) => d === 1) && ways.every((v) => shapeOf(v).join() === whole);
}
