import { type LanewiseName, lanesOf, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import * as memory from '../../dialects/kernel/memory.ts';
import * as structure from '../../dialects/kernel/structure.ts';
import type { Block, Func, Op, OpDefinition, Value } from '../../src/ir/index.ts';

/** The least and the largest value that an index can have. */
type Interval = readonly [low: number, high: number];

const unknown: Interval = [-Infinity, Infinity];

const corners = (a: Interval, b: Interval, f: (x: number, y: number) => number): Interval => {
  const all = a.flatMap((x) => b.map((y) => f(x, y))).map((v) => (Number.isNaN(v) ? 0 : v));
  return [Math.min(...all), Math.max(...all)];
};

const rules: Partial<Record<LanewiseName, (args: readonly Interval[], op: Op) => Interval>> = {
  add: ([a = unknown, b = unknown]) => [a[0] + b[0], a[1] + b[1]],
  sub: ([a = unknown, b = unknown]) => [a[0] - b[1], a[1] - b[0]],
  mul: ([a = unknown, b = unknown]) => corners(a, b, (x, y) => x * y),
  min: ([a = unknown, b = unknown]) => [Math.min(a[0], b[0]), Math.min(a[1], b[1])],
  max: ([a = unknown, b = unknown]) => [Math.max(a[0], b[0]), Math.max(a[1], b[1])],
  select: ([, a = unknown, b = unknown]) => [Math.min(a[0], b[0]), Math.max(a[1], b[1])],
  quotient: ([a = unknown], op) => {
    const divisor = op.attributes.divisor as number;
    return [Math.floor(a[0] / divisor), Math.floor(a[1] / divisor)];
  },
  remainder: (_, op) => [0, (op.attributes.divisor as number) - 1],
};

const ruleOf = new Map<OpDefinition, NonNullable<(typeof rules)[LanewiseName]>>(
  (Object.keys(rules) as LanewiseName[]).map((name) => [
    lanewisePrimitives[name].definition,
    rules[name] as NonNullable<(typeof rules)[LanewiseName]>,
  ]),
);

/** How many elements of each buffer a kernel may read, counted from its first; Infinity where nothing is known. */
export function reachOf(func: Func): Map<Value, number> {
  const known = new Map<Value, Interval>();
  const reach = new Map<Value, number>();
  const intervalOf = (value: Value) => known.get(value) ?? unknown;
  const reads = (op: Op, elements: number) => {
    const buffer = op.operand(0);
    reach.set(buffer, Math.max(reach.get(buffer) ?? 0, intervalOf(op.operand(1))[1] + elements));
  };
  const visit = (block: Block): void => {
    for (const op of block.ops()) {
      const rule = ruleOf.get(op.definition);
      if (structure.constant.is(op)) {
        const { value } = structure.constant.attributesOf(op);
        known.set(op.result, [value, value]);
      } else if (rule) {
        known.set(
          op.result,
          rule(
            op.operands.map((_, i) => intervalOf(op.operand(i))),
            op,
          ),
        );
      } else if (memory.load.is(op)) {
        reads(op, lanesOf(op.result));
      } else if (memory.loadSplat.is(op)) {
        reads(op, memory.loadSplat.attributesOf(op).group);
      } else if (memory.table.is(op)) {
        reach.set(op.operand(0), Infinity);
      } else if (structure.forLoop.is(op)) {
        const [from, to] = [intervalOf(op.operand(0)), intervalOf(op.operand(1))];
        const { step } = structure.forLoop.attributesOf(op);
        const isFixed = from[0] === from[1] && to[0] === to[1];
        const last = isFixed ? from[0] + Math.floor((to[0] - from[0] - 1) / step) * step : to[1] - 1;
        const region = op.regions[0] as Block;
        known.set(region.args[0] as Value, [from[0], last]);
        visit(region);
      }
    }
  };
  visit(func.body);
  return reach;
}
