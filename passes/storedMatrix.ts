import { constant } from '../dialects/nn/constant.ts';
import { bitsOf, quantOf, staticShape, storedWeights, type TensorType, type Value } from '../src/ir/index.ts';

/** Whether a value is a constant matrix of codes that float products can read. */
export function isStoredMatrix(value: Value | undefined): boolean {
  if (!value || !constant.is(value.op)) return false;
  const type = value.type as TensorType;
  const quant = quantOf(type);
  if (!quant || quant.storage === 'i32' || bitsOf(quant.storage) > 8 || type.shape.length !== 2) return false;
  const [inputs, outputs] = staticShape(type) as [number, number];
  return storedWeights(quant, inputs, outputs) !== undefined;
}
