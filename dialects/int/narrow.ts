import { type BodyBuilder, integerRange, type Op, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';

/**
 * i32 codes as the op stores them: clamp(code, min, max), for bounds within the range of the stored type. Narrowing
 * saturates, so bounds that are the type's own need nothing more, and others are applied to the narrow lanes.
 */
export function narrowed(k: BodyBuilder, code: Value, op: Op, { min, max }: { min: number; max: number }): Value {
  const element = storageOf((op.result.type as TensorType).element);
  const [low, high] = integerRange(element);
  const narrow = k.narrowSaturate(code, element);
  const raised = min > low ? k.max(narrow, k.constant(min, element, narrow)) : narrow;
  return max < high ? k.min(raised, k.constant(max, element, raised)) : raised;
}
