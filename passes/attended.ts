import type { Dim, Op, TensorType } from '../src/ir/index.ts';

/**
 * Whether attention has a kernel that keeps no scores: heads and sizes must be numbers, and what is added to the scores
 * of type f32.
 */
export function isAttended(op: Op): boolean {
  const [query, key, value, bias] = op.operands.map((v) => v?.type as TensorType | undefined) as [
    ...[TensorType, TensorType, TensorType],
    TensorType | undefined,
  ];
  const isNumber = (dim: Dim | undefined) => typeof dim === 'number';
  const { shape } = query;
  return (
    [...shape.slice(0, -2), shape.at(-1), ...key.shape.slice(0, -2), value.shape.at(-1)].every(isNumber) &&
    (bias === undefined || bias.element === 'f32')
  );
}
