import { clamp } from '../../dialects/nn/clamp.ts';
import * as unary from '../../dialects/nn/unary.ts';
import type { Op, OpDefinition } from '../../src/ir/index.ts';
import {
  clipFunction,
  eluFunction,
  hardSigmoidFunction,
  leakyReluFunction,
  siluFunction,
  type TableFunction,
  tableFunctions,
} from '../../src/numerics/index.ts';

/** The function of an op by its definition; those with attributes are made from the op. */
const functions: ReadonlyMap<OpDefinition, TableFunction | ((op: Op) => TableFunction)> = new Map<
  OpDefinition,
  TableFunction | ((op: Op) => TableFunction)
>([
  [unary.sigmoid, tableFunctions.sigmoid],
  [unary.tanh, tableFunctions.tanh],
  [unary.exp, tableFunctions.exp],
  [unary.log, tableFunctions.log],
  [unary.sqrt, tableFunctions.sqrt],
  [unary.neg, tableFunctions.neg],
  [unary.abs, tableFunctions.abs],
  [unary.erf, tableFunctions.erf],
  [unary.reciprocal, tableFunctions.reciprocal],
  [unary.floor, tableFunctions.floor],
  [unary.ceil, tableFunctions.ceil],
  [unary.softplus, tableFunctions.softplus],
  [unary.sin, tableFunctions.sin],
  [unary.cos, tableFunctions.cos],
  [unary.tan, tableFunctions.tan],
  [unary.sinh, tableFunctions.sinh],
  [unary.cosh, tableFunctions.cosh],
  [unary.asin, tableFunctions.asin],
  [unary.acos, tableFunctions.acos],
  [unary.atan, tableFunctions.atan],
  [unary.asinh, tableFunctions.asinh],
  [unary.acosh, tableFunctions.acosh],
  [unary.atanh, tableFunctions.atanh],
  [unary.hardSwish, tableFunctions.hardswish],
  [unary.silu, (op) => siluFunction(unary.silu.attributesOf(op).alpha)],
  [unary.mish, tableFunctions.mish],
  [unary.softsign, tableFunctions.softsign],
  [
    unary.gelu,
    (op) => (unary.gelu.attributesOf(op).approximate === 'tanh' ? tableFunctions.gelu_tanh : tableFunctions.gelu),
  ],
  [
    unary.hardSigmoid,
    (op) => {
      const { alpha, beta } = unary.hardSigmoid.attributesOf(op);
      return hardSigmoidFunction(alpha, beta);
    },
  ],
  [unary.leakyRelu, (op) => leakyReluFunction(unary.leakyRelu.attributesOf(op).alpha)],
  [unary.elu, (op) => eluFunction(unary.elu.attributesOf(op).alpha)],
  [
    clamp,
    (op) => {
      const { min, max } = clamp.attributesOf(op);
      return clipFunction(min, max);
    },
  ],
]);

/** The real function that an op applies to every element, where a table of 256 entries can hold it. */
export function tableFunctionOf(op: Op): TableFunction | undefined {
  const found = functions.get(op.definition);
  return typeof found === 'function' ? found(op) : found;
}
