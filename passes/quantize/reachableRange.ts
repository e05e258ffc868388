import { add } from '../../dialects/nn/binary.ts';
import { pad } from '../../dialects/nn/pad.ts';
import type { Range } from '../../src/calibrate/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { floatConstantOf } from '../constants.ts';
import { isMove } from './capabilities.ts';

/**
 * The range of a float value: what was seen of it, or what a constant holds. Of a value that only sums read, no more
 * than changes a sum: what takes it out of its range whatever the other operand is (a mask) is as good as what just does.
 *
 * @throws QcError where nothing is known, or what was seen has no bounds
 */
export function reachableRange(value: Value, ranges: ReadonlyMap<Value, Range>): Range {
  const [seen, limit] = [seenRange(value, ranges), limitOf(value, ranges)];
  const min = Math.max(seen?.min ?? Number.NEGATIVE_INFINITY, limit.min);
  const max = Math.min(seen?.max ?? Number.POSITIVE_INFINITY, limit.max);
  if (Number.isFinite(min) && Number.isFinite(max)) return min <= max ? { min, max } : { min: max, max: min };
  throw new QcError({
    what: 'this value has no usable range',
    where: value.op?.source ?? value.name,
    why: 'calibration met an infinity or NaN in it, or did not see it',
    help: 'compile with --scheme w8a8, in which it stays float',
  });
}

function seenRange(value: Value, ranges: ReadonlyMap<Value, Range>): Range | undefined {
  const numbers = floatConstantOf(value)?.data as Float32Array | undefined;
  if (!numbers) return ranges.get(value) ?? ranges.get(origin(value));
  let [min, max] = [0, 0];
  for (const x of numbers) [min, max] = [Math.min(min, x), Math.max(max, x)];
  return { min, max };
}

/** The value whose elements this one holds in other places. */
export function origin(value: Value): Value {
  const { op } = value;
  return op && isMove(op) && op.definition !== pad ? origin(op.operand(0)) : value;
}

/** The part of a value that its readers tell apart, when all of them are sums. */
function limitOf(value: Value, ranges: ReadonlyMap<Value, Range>): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const user of value.users) {
    const other = user.operands[user.operands[0] === value ? 1 : 0];
    const sum = add.is(user) ? ranges.get(user.result) : undefined;
    const beside = sum && other && other !== value ? seenRange(other, ranges) : undefined;
    min = Math.min(min, sum && beside ? sum.min - beside.max : Number.NEGATIVE_INFINITY);
    max = Math.max(max, sum && beside ? sum.max - beside.min : Number.POSITIVE_INFINITY);
  }
  return min <= max ? { min, max } : { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
}
