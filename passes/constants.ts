import { constant } from '../dialects/nn/constant.ts';
import {
  type ElementType,
  Resource,
  type Rewriter,
  staticShape,
  type TensorType,
  tensor,
  type Value,
} from '../src/ir/index.ts';
import type { HostTensor } from '../src/support/tensor.ts';

/** The elements of a value that is a constant, or undefined; of a quantized type, its codes. */
export function constantOf(value: Value | undefined): HostTensor | undefined {
  const op = value?.op;
  if (!value || !constant.is(op)) return undefined;
  const { value: resource } = constant.attributesOf(op);
  return { dtype: resource.element, shape: staticShape(value.type as TensorType), data: resource.data() };
}

/** The elements of a constant of type f32, or undefined. */
export function floatConstantOf(value: Value | undefined): HostTensor | undefined {
  const type = value?.type;
  return type?.kind === 'tensor' && type.element === 'f32' ? constantOf(value) : undefined;
}

/** The one number that every element of a constant of type f32 is, or undefined. */
export function splatOf(value: Value | undefined): number | undefined {
  const data = floatConstantOf(value)?.data as Float32Array | undefined;
  const first = data?.[0];
  return first !== undefined && data?.every((x) => x === first) ? first : undefined;
}

/** A new constant at the insertion point; `element` where it is not the data's own type. */
export function createConstant(rewriter: Rewriter, name: string, data: HostTensor, element?: ElementType): Value {
  const value = Resource.of(name, data.dtype, data.data);
  const types = [tensor(data.shape, element ?? (data.dtype as ElementType))];
  return rewriter.create(constant, {}, { value }, { types, name }).result;
}

/** A constant of type f32; numbers are rounded. */
export function createFloats(
  rewriter: Rewriter,
  name: string,
  shape: readonly number[],
  data: ArrayLike<number>,
): Value {
  return createConstant(rewriter, name, { dtype: 'f32', shape, data: Float32Array.from(data) });
}

/** A constant of type i32. */
export function createInts(rewriter: Rewriter, name: string, shape: readonly number[], data: ArrayLike<number>): Value {
  return createConstant(rewriter, name, { dtype: 'i32', shape, data: Int32Array.from(data) });
}

/** The name of a constant's data, or `fallback`. */
export function constantName(value: Value, fallback: string): string {
  return constant.is(value.op) ? constant.attributesOf(value.op).value.name : fallback;
}
