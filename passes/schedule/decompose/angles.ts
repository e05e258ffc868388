import { angle } from '../../../dialects/nn/angle.ts';
import { mul } from '../../../dialects/nn/binary.ts';
import { cast } from '../../../dialects/nn/cast.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { cos, sin } from '../../../dialects/nn/unary.ts';
import { isInteger, storageOf, type TensorType, type Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { floatConstantOf } from '../../constants.ts';

/** Whether a value is read by periodic functions alone, in whatever order and shape. */
function isPeriodic(value: Value): boolean {
  return [...value.users].every((user) => {
    if (sin.is(user) || cos.is(user)) return true;
    const moves = user.definition.typing === 'moves' || concat.is(user);
    return moves && user.results.length === 1 && user.result.users.size > 0 && isPeriodic(user.result);
  });
}

/** Whole numbers as they are, where a value is them as floats. */
function wholeOf(x: Value): Value {
  if (!cast.is(x.op)) return x;
  const whole = x.op.operand(0);
  const element = storageOf((whole.type as TensorType).element);
  return element !== 'i1' && isInteger(element) ? whole : x;
}

// sin(x·c) == sin(angle(x, c)), cos too: 2π is their period
export const angleRule = rule('angle-of-product', op(mul), ({ root }, rewriter) => {
  const constants = root.operands.map((v) => floatConstantOf(v) !== undefined);
  if (constants[0] === constants[1] || root.result.users.size === 0 || !isPeriodic(root.result)) return undefined;
  const [x, factor] = (constants[1] ? root.operands : root.operands.toReversed()) as [Value, Value];
  return rewriter.create(angle, { x: wholeOf(x), factor }).result;
});
