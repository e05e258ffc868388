import { type Op, physicalOrder, productOf, stepsOf, type TensorType } from '../src/ir/index.ts';
import { tensorType } from './cluster.ts';

/** Whether two tensors of one logical shape put every element at the same place; axes of size 1 don't count. */
export function samePlaces(a: TensorType, b: TensorType): boolean {
  const { shape } = a;
  if ((a.layout?.pad ?? 1) !== (b.layout?.pad ?? 1)) return false;
  const [x, y] = [a, b].map((type) => physicalOrder(type.layout, shape.length).filter((axis) => shape[axis] !== 1));
  return x?.join() === y?.join();
}

/** Whether the result of `op` is its operand's buffer, so that no kernel is needed. */
export function isAlias(op: Op): boolean {
  const { lower } = op.definition;
  if (op.results.length !== 1 || !op.operands[0]) return false;
  const [operand, result] = [tensorType(op.operand(0)), tensorType(op.result)];
  if (op.name === 'nn.relayout') return op.attributes.copy !== true && samePlaces(operand, result);
  if (lower?.kind === 'alias') return true;
  if (lower?.kind !== 'view' || lower.fill?.(op) !== undefined) return false;
  const sizes = operand.shape;
  if (productOf(sizes) !== productOf(result.shape)) return false;
  const [from, to] = [stepsOf(operand), stepsOf(result)];
  return lower.index(op).every(({ axis, stride, offset }, a) => {
    if (sizes[a] === 1) return true;
    return axis !== undefined && stride === 1 && offset === 0 && from[a] === to[axis];
  });
}
