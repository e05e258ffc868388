import { add, sub } from '../../dialects/nn/binary.ts';
import type { Range } from '../../src/calibrate/index.ts';
import type { Module, Op, Value } from '../../src/ir/index.ts';
import { largest } from './feasiblePlan.ts';
import { origin } from './reachableRange.ts';

/** How much further one of two ranges may reach than the other, for the wider to serve both: an eighth of a bit. */
const near = 2 ** (1 / 8);

/**
 * The sums that come back as inputs, as in a recurrent model that is run step by step, with what holds them on the way:
 * what they are rounded by adds up from run to run. An input is taken for what an output of its shape has come to, where
 * their ranges nearly agree. All values of one way get one range, so that their codes pass as they are.
 *
 * @param ranges of what was observed; those of the values found are widened
 * @param joins whether an op's operands have the type of its result
 */
export function carriedValues(
  module: Module,
  ranges: Map<Value, Range>,
  joins: (op: Op) => boolean,
): ReadonlySet<Value> {
  const { body } = module.main;
  const isSum = ({ op }: Value) => op !== undefined && !joins(op) && (add.is(op) || sub.is(op));
  const isNear = (a: Value, b: Value): boolean => {
    const [first, second] = [ranges.get(a), ranges.get(b)];
    return first !== undefined && second !== undefined && agree(first, second);
  };
  /** The values that one is made of, as they are. */
  const wayTo = (value: Value): Value[] => {
    const { op } = value;
    const parts = op && joins(op) ? (op.operands as readonly Value[]).map(origin) : [];
    return [value, ...parts.filter((part) => isNear(value, part)).flatMap(wayTo)];
  };
  const found = new Set<Value>();
  for (const arg of body.args) {
    const back = (body.last?.operands ?? []).flatMap((result) =>
      result?.type === arg.type && isNear(arg, origin(result)) ? wayTo(origin(result)) : [],
    );
    if (!back.some(isSum)) continue;
    const way = [arg, ...back];
    const all = way.map((value) => ranges.get(value) as Range);
    const range = { min: Math.min(...all.map(({ min }) => min)), max: Math.max(...all.map(({ max }) => max)) };
    for (const value of way) {
      ranges.set(value, range);
      found.add(value);
    }
  }
  return found;
}

/** Whether two ranges reach nearly as far from zero. */
function agree(a: Range, b: Range): boolean {
  const [less, more] = [largest(a), largest(b)].sort((x, y) => x - y) as [number, number];
  return more <= near * less;
}
