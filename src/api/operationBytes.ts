import { constant } from '../../dialects/nn/constant.ts';
import { bindDim, type Module, type Op, storageOf, type Value } from '../ir/index.ts';
import { checkLimit, type Limits } from '../support/limits.ts';
import { type DType, elementBytes } from '../support/tensor.ts';
import { signatureOf } from './signature.ts';

/** Refuses a model in which one operation reads and writes too much, at the largest sizes. @throws QcError */
export function checkOperationBytes(module: Module, limits: Limits): void {
  const largest = new Map(Object.entries(signatureOf(module).symbols ?? {}).map(([name, { max }]) => [name, max]));
  for (const op of module.ops()) {
    const bytes = [...touchedBy(op)].reduce((sum, value) => sum + bytesOf(value, largest), 0);
    checkLimit(limits, 'operationBytes', bytes, `the operation reads and writes ${bytes} bytes`, op.source || op.name);
  }
}

function touchedBy({ operands, results }: Op): Set<Value> {
  const computed = operands.filter((value): value is Value => value !== undefined && !constant.is(value.op));
  return new Set(constant.is(results[0]?.op) ? [] : [...computed, ...results]);
}

/** Bytes of a tensor; none where a size depends on data. */
function bytesOf({ type }: Value, largest: ReadonlyMap<string, number>): number {
  if (type.kind !== 'tensor') return 0;
  const sizes = type.shape.map((dim) => bindDim(dim, largest));
  const count = sizes.reduce<number>((n, size) => n * (typeof size === 'number' ? size : 0), 1);
  return count * elementBytes(storageOf(type.element) as DType);
}
