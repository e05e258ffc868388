import type { TensorType, Type } from '../ir/index.ts';
import { checkLimit, type Limits } from '../support/limits.ts';
import { elementCount } from '../support/tensor.ts';

/** Refuses a tensor of too many elements. @throws QcError */
export function checkElements(limits: Limits, type: Type | undefined, where?: string): void {
  if (type?.kind !== 'tensor' || !isStatic(type)) return;
  const count = elementCount(type.shape);
  checkLimit(limits, 'elements', count, `the tensor [${type.shape.join(', ')}] has too many elements`, where);
}

const isStatic = (type: TensorType): type is TensorType & { readonly shape: readonly number[] } =>
  type.shape.every((dim) => typeof dim === 'number');
