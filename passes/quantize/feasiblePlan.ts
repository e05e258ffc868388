import { matmul } from '../../dialects/nn/matmul.ts';
import type { ChosenRange } from '../../src/calibrate/index.ts';
import type { Block, Op, QuantType, Value } from '../../src/ir/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import type { WeightScheme } from '../../src/scheme/index.ts';
import { floatConstantOf } from '../constants.ts';
import { activationOperands } from './capabilities.ts';
import { activationType, raisedType, wideType } from './constantType.ts';
import { planQuantization, type QuantizationPlan } from './plan.ts';
import { refusalOf } from './refusal.ts';

/** What calibration has found out about a value, and how many bits its codes should have. */
export interface ValueRange extends ChosenRange {
  readonly bits: number;
}

/** How much beyond their range wide codes reach: they are so many that nothing need be cut off. */
export const wideMargin = 2;

/** How far a range reaches from zero. */
export const largest = ({ min, max }: { readonly min: number; readonly max: number }): number =>
  Math.max(Math.abs(min), Math.abs(max));

/** The largest magnitude of a factor of a computed product. */
export const wideLimit = (range: ValueRange): number => wideMargin * largest(range);

/** The type that a value gets in a plan, or undefined where it has no range. */
export function typeIn(
  plan: QuantizationPlan,
  ranges: ReadonlyMap<Value, ValueRange>,
  value: Value,
): QuantType | undefined {
  const source = plan.rangeOf.get(value) ?? value;
  const range = ranges.get(source);
  const depth = plan.wide.get(source);
  if (range && depth !== undefined) return wideType(wideLimit(range), depth);
  if (range && plan.raised.has(source)) return raisedType(wideMargin * largest(range.whole));
  return range && activationType(range.min, range.max, source.op?.source);
}

/**
 * The plan without `skipped` and without the ops that cannot be computed on codes, each of which is reported. Where
 * it is codes of 16 bits that an op cannot be computed on, they get 8.
 */
export function feasiblePlan(
  body: Block,
  skipped: ReadonlySet<Op>,
  ranges: ReadonlyMap<Value, ValueRange>,
  schemeOf: (op: Op) => WeightScheme,
  { report, decide }: PassContext,
): QuantizationPlan {
  const kept = new Set<Op>(skipped);
  const narrow = new Set<Value>();
  for (;;) {
    const drawn = planQuantization(body, kept);
    const factors = factorsOf(drawn);
    const mayBeWide = (value: Value) => ranges.get(value)?.bits === 16 && !narrow.has(value) && !factors.has(value);
    const raised = drawn.ranges.filter(mayBeWide);
    const plan = { ...drawn, raised: new Set(raised) };
    const typeOf = (value: Value) => typeIn(plan, ranges, value);
    const before = kept.size + narrow.size;
    for (const op of plan.ops) {
      const reason = refusalOf(op, typeOf, plan.codes.has(op.result) ? op.result : undefined, schemeOf(op));
      if (reason === undefined) continue;
      const wide = raisedAround(op, plan);
      for (const value of wide) narrow.add(value);
      if (wide.length > 0) report(`${op.source}: ${op.name} is computed on 8-bit codes: ${reason}`);
      else {
        kept.add(op);
        report(`${op.source}: ${op.name} stays float: ${reason}`);
        decide?.({ node: op.source, reason });
      }
    }
    if (kept.size + narrow.size === before) return plan;
  }
}

/** What products of two computed tensors read: sums of products of 16-bit codes do not fit 32 bits. */
function factorsOf({ ops, rangeOf }: QuantizationPlan): ReadonlySet<Value> {
  const products = [...ops].filter((op) => matmul.is(op) && !floatConstantOf(op.operands[1]));
  return new Set(products.flatMap((op) => activationOperands(op).map((i) => rangeOf.get(op.operand(i)) as Value)));
}

/** The values with codes of 16 bits that an op reads or gives. */
function raisedAround(op: Op, { rangeOf, raised }: QuantizationPlan): Value[] {
  const values = [...activationOperands(op).map((i) => op.operand(i)), op.result];
  return values.map((value) => rangeOf.get(value) ?? value).filter((value) => raised.has(value));
}
