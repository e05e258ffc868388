import { matmul } from '../../../dialects/nn/matmul.ts';
import type { Op, TensorType, Value } from '../../../src/ir/index.ts';
import { isLinear } from '../../channels.ts';

/** A product with constant weights [K, N] that no other layer shares. */
export function isMatrixLayer(op: Op): boolean {
  if (!isLinear(op) || !matmul.is(op)) return false;
  const weights = op.operand(1);
  return weights.uses.size === 1 && (weights.type as TensorType).shape.length === 2;
}

/** The matrix layers whose input is a value. */
export function layersReading(value: Value): Op[] {
  return [...value.uses].filter(({ op, index }) => index === 0 && isMatrixLayer(op)).map(({ op }) => op);
}
