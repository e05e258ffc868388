import * as unary from '../../dialects/nn/unary.ts';
import { observe } from '../../dialects/quant/observe.ts';
import type { Op, OpDefinition, Value } from '../../src/ir/index.ts';
import type { Bounds } from '../clamps.ts';

const { NEGATIVE_INFINITY: least, POSITIVE_INFINITY: most } = Number;

/**
 * Where functions still change: outside, the result stays within a 500th of 1 of its limit (or of 0, which the
 * functions of the family x·σ(x) come back to), less than half a step of 8-bit codes of the result.
 */
const intervals: ReadonlyMap<OpDefinition, Bounds> = new Map<OpDefinition, Bounds>([
  [unary.sigmoid, [-6.25, 6.25]],
  [unary.tanh, [-3.5, 3.5]],
  [unary.erf, [-2.25, 2.25]],
  [unary.hardSwish, [-3, most]],
  [unary.mish, [-8.5, most]],
  [unary.gelu, [-3.5, most]],
  [unary.softplus, [-6.25, most]],
]);

/** As above, for the functions whose attributes decide. */
function intervalOf(op: Op): Bounds {
  if (!unary.silu.is(op)) return intervals.get(op.definition) ?? [least, most];
  const { alpha } = unary.silu.attributesOf(op);
  // x·σ(αx) is t·σ(t)/α at t = αx
  return alpha >= 1 ? [-8.5 / alpha, most] : [least, most];
}

/** The part of a value's range that its readers tell apart: values beyond it may saturate. */
export function informativeInterval(value: Value): Bounds {
  let [low, high]: Bounds = [most, least];
  for (const user of value.users) {
    if (observe.is(user)) continue;
    const [from, to] = intervalOf(user);
    low = Math.min(low, from);
    high = Math.max(high, to);
  }
  return low <= high ? [low, high] : [least, most];
}
