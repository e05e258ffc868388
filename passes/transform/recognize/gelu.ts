import { mul } from '../../../dialects/nn/binary.ts';
import { pow } from '../../../dialects/nn/power.ts';
import { erf, gelu, tanh } from '../../../dialects/nn/unary.ts';
import type { Value } from '../../../src/ir/index.ts';
import { op, type Rule, rule } from '../../../src/rewrite/index.ts';
import { splatOf } from '../../constants.ts';
import { factorsOf, scaledBy, scaledProducts, shiftedBy, squareRootOf, termsOf } from './spelling.ts';

/** The value x of 1 + erf(x/√2). */
function erfPlusOne(v: Value): Value | undefined {
  const shifted = shiftedBy(v, 1);
  return shifted && erf.is(shifted.op) ? scaledBy(shifted.op.operand(0), Math.SQRT1_2) : undefined;
}

/** The value x of c·x², the constant at any place. */
function scaledSquare(v: Value, c: number): Value | undefined {
  return scaledProducts(v, c).find(([a, b]) => a === b)?.[0];
}

/** The value x of c·x³, the constant at any place. */
function scaledCube(v: Value, c: number): Value | undefined {
  const power = scaledBy(v, c)?.op;
  if (pow.is(power)) return splatOf(power.operand(1)) === 3 ? power.operand(0) : undefined;
  const after = scaledProducts(v, c).find(([square, x]) => squareRootOf(square) === x);
  const before = factorsOf(v).find(([square, x]) => scaledSquare(square, c) === x);
  return (after ?? before)?.[1];
}

const cubicFactor = 0.044715;
const rootOfTwoByPi = Math.sqrt(2 / Math.PI);

/** The value x of √(2/π)·(x + 0.044715·x³), or of √(2/π)·x·(1 + 0.044715·x²). */
function curve(v: Value): Value | undefined {
  const whole = scaledBy(v, rootOfTwoByPi);
  const sum = whole && termsOf(whole).find(([x, rest]) => scaledCube(rest, cubicFactor) === x);
  if (sum) return sum[0];
  const factored = ([x, factor]: readonly [Value, Value]) => {
    const rest = shiftedBy(factor, 1);
    return rest !== undefined && scaledSquare(rest, cubicFactor) === x;
  };
  return scaledProducts(v, rootOfTwoByPi).find(factored)?.[0];
}

/** The value x of 1 + tanh(√(2/π)·(x + 0.044715·x³)). */
function tanhPlusOne(v: Value): Value | undefined {
  const shifted = shiftedBy(v, 1);
  return shifted && tanh.is(shifted.op) ? curve(shifted.op.operand(0)) : undefined;
}

function geluOf(name: string, gate: (v: Value) => Value | undefined, approximate: 'none' | 'tanh'): Rule {
  return rule(name, op(mul), ({ root }, rewriter) => {
    const found = scaledProducts(root.result, 0.5).find(([x, factor]) => gate(factor) === x);
    return found && rewriter.create(gelu, { x: found[0] }, { approximate }).result;
  });
}

export const geluRules: readonly Rule[] = [
  // ½·x·(1 + erf(x/√2)) == gelu(x), the half at any place
  geluOf('gelu', erfPlusOne, 'none'),
  // ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) == gelu{tanh}(x), the half at any place
  geluOf('gelu-tanh', tanhPlusOne, 'tanh'),
];
