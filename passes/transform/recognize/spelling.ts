import { add, div, mul, sub } from '../../../dialects/nn/binary.ts';
import { pow } from '../../../dialects/nn/power.ts';
import { neg, reciprocal, sqrt } from '../../../dialects/nn/unary.ts';
import type { Op, Value } from '../../../src/ir/index.ts';
import { withoutClamp } from '../../clamps.ts';
import { splatOf } from '../../constants.ts';

// How exporters spell arithmetic with constants: each function gives the x of one expression, or undefined.

/** Whether `x` is c, up to the rounding of a constant to f32. */
export const near = (x: number | undefined, c: number): boolean =>
  x !== undefined && Math.abs(x - c) <= Math.abs(c) * 1e-6;

/** The other operand of a commutative op, where one operand satisfies `test`. */
export function otherOperand(root: Op, test: (v: Value) => boolean): Value | undefined {
  const [a, b] = [root.operand(0), root.operand(1)];
  return test(b) ? a : test(a) ? b : undefined;
}

/** The factors of a product in both orders. */
export function factorsOf(v: Value): readonly (readonly [Value, Value])[] {
  return mul.is(v.op) && withoutClamp(v.op) ? bothOrders(v.op) : [];
}

/** The terms of a sum in both orders. */
export function termsOf(v: Value): readonly (readonly [Value, Value])[] {
  return add.is(v.op) && withoutClamp(v.op) ? bothOrders(v.op) : [];
}

export function bothOrders(root: Op): readonly (readonly [Value, Value])[] {
  const [a, b] = [root.operand(0), root.operand(1)];
  return [
    [a, b],
    [b, a],
  ];
}

/** The x of x·c or x/(1/c). */
export function scaledBy(v: Value, c: number): Value | undefined {
  const root = v.op;
  if (root?.definition === mul) return otherOperand(root, (o) => near(splatOf(o), c));
  if (root?.definition === div && near(splatOf(root.operands[1]), 1 / c)) return root.operand(0);
  return undefined;
}

/** x and c of x·c or x/(1/c), c a constant; c is 1 where there is none. */
export function scaled(v: Value): { x: Value; c: number } {
  for (const [x, other] of factorsOf(v)) {
    const c = splatOf(other);
    if (c !== undefined) return { x, c };
  }
  const divisor = div.is(v.op) && withoutClamp(v.op) ? splatOf(v.op.operand(1)) : undefined;
  return div.is(v.op) && divisor !== undefined ? { x: v.op.operand(0), c: 1 / divisor } : { x: v, c: 1 };
}

/** a and b of every reading of a value as c·a·b, the constant at any place. */
export function scaledProducts(v: Value, c: number): readonly (readonly [Value, Value])[] {
  const whole = scaledBy(v, c);
  const inside = factorsOf(v).flatMap(([a, b]): readonly (readonly [Value, Value])[] => {
    const rest = scaledBy(a, c);
    return rest
      ? [
          [rest, b],
          [b, rest],
        ]
      : [];
  });
  return [...(whole ? factorsOf(whole) : []), ...inside];
}

/** The x of −x. */
export function negated(v: Value): Value | undefined {
  return neg.is(v.op) ? v.op.operand(0) : scaledBy(v, -1);
}

/** The x of x + c. */
export function shiftedBy(v: Value, c: number): Value | undefined {
  return add.is(v.op) && withoutClamp(v.op) ? otherOperand(v.op, (o) => near(splatOf(o), c)) : undefined;
}

/** x and c of x + c with a constant; c is 0 where nothing is added. */
export function shifted(v: Value): { x: Value; c: number } {
  for (const [x, other] of termsOf(v)) {
    const c = splatOf(other);
    if (c !== undefined) return { x, c };
  }
  return { x: v, c: 0 };
}

/** The x of x². */
export function squareRootOf(v: Value): Value | undefined {
  if (mul.is(v.op) && sameExpression(v.op.operand(0), v.op.operand(1))) return v.op.operand(0);
  return pow.is(v.op) && splatOf(v.op.operand(1)) === 2 ? v.op.operand(0) : undefined;
}

/** The x of √x. */
export function underRoot(v: Value): Value | undefined {
  if (sqrt.is(v.op)) return v.op.operand(0);
  return pow.is(v.op) && splatOf(v.op.operand(1)) === 0.5 ? v.op.operand(0) : undefined;
}

/** The x of 1/x. */
export function inverted(v: Value): Value | undefined {
  if (reciprocal.is(v.op)) return v.op.operand(0);
  return div.is(v.op) && splatOf(v.op.operand(0)) === 1 ? v.op.operand(1) : undefined;
}

/** The x of 1/√x. */
export function underInverseRoot(v: Value): Value | undefined {
  if (pow.is(v.op) && splatOf(v.op.operand(1)) === -0.5) return v.op.operand(0);
  const below = inverted(v);
  return below && underRoot(below);
}

/** Whether two values are one, or the same difference: exporters write x − mean(x) anew where they need it. */
export function sameExpression(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (!sub.is(a.op) || !sub.is(b.op) || !withoutClamp(a.op) || !withoutClamp(b.op)) return false;
  return a.op.operand(0) === b.op.operand(0) && a.op.operand(1) === b.op.operand(1);
}
