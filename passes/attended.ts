import { type Dim, type Op, productOf, type TensorType } from '../src/ir/index.ts';

/** Queries of a head up to which one kernel takes less time than two products with all their tiles. */
const fewQueries = 8;
/** Scores up to which they stay in a processor's cache on their way from one kernel to the next. */
const manyScores = 2 ** 22;

/**
 * Whether attention is computed by the kernel that keeps no scores: of few queries, as in decoding, keys and values are
 * read once, as they lie; of many, products are faster as long as the scores are not too many.
 */
export function isAttended(op: Op): boolean {
  if (!hasAttentionKernel(op)) return false;
  const [query, key] = op.operands.map((v) => v?.type as TensorType) as [TensorType, TensorType];
  const queries = query.shape.at(-2) as Dim;
  const scores = productOf([...query.shape.slice(0, -1), key.shape.at(-2) as Dim]);
  return typeof queries === 'number' && (queries <= fewQueries || (typeof scores === 'number' && scores > manyScores));
}

/** Whether heads and sizes are numbers, and what is added to the scores of type f32. */
export function hasAttentionKernel(op: Op): boolean {
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
