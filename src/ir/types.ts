import { InternalError } from '../support/diagnostics.ts';
import { Interner } from '../support/interner.ts';
import { addDim, type Dim, floorDivDim, mulDim, productOf } from './dim.ts';
import { type Layout, layoutText, physicalOrder } from './layout.ts';
import type { QuantType } from './quantized.ts';
import { bytesOf, type ScalarType } from './scalar.ts';

/** What one element of a tensor is: a plain scalar, or a code that stands for a real number. */
export type ElementType = ScalarType | QuantType;

/** A tensor value of the `nn`, `quant` and `int` dialects. */
export interface TensorType {
  readonly kind: 'tensor';
  readonly key: string;
  readonly shape: readonly Dim[];
  readonly element: ElementType;
  /** Undefined: row-major. */
  readonly layout: Layout | undefined;
}

/** A scalar in a kernel. */
export interface ScalarValueType {
  readonly kind: 'scalar';
  readonly key: string;
  readonly element: ScalarType;
}

/** A short vector in a kernel; `lanes` may span several registers of the target. */
export interface VectorType {
  readonly kind: 'vec';
  readonly key: string;
  readonly lanes: number;
  readonly element: ScalarType;
}

export const memorySpaces = ['input', 'output', 'weights', 'arena', 'state', 'workgroup', 'private'] as const;
export type MemorySpace = (typeof memorySpaces)[number];

/** A buffer in a kernel. It has no shape: kernels compute indices, so that layout stays in packing. */
export interface RefType {
  readonly kind: 'ref';
  readonly key: string;
  readonly element: ScalarType;
  readonly space: MemorySpace;
}

export type KernelType = ScalarValueType | VectorType | RefType;
export type Type = TensorType | KernelType;

const tensors = new Interner<TensorType>();
const scalars = new Interner<ScalarValueType>();
const vectors = new Interner<VectorType>();
const refs = new Interner<RefType>();

const elementKey = (element: ElementType): string => (typeof element === 'string' ? element : element.key);

export function tensor(shape: readonly Dim[], element: ElementType, layout?: Layout): TensorType {
  const dims = shape.map((dim) => (`${dim}`.includes('x') ? `(${dim})x` : `${dim}x`)).join('');
  const key = `tensor<${dims}${elementKey(element)}${layout ? `, ${layoutText(layout)}` : ''}>`;
  return tensors.get(key, () =>
    Object.freeze({ kind: 'tensor', key, shape: Object.freeze([...shape]), element, layout }),
  );
}

export function scalar(element: ScalarType): ScalarValueType {
  return scalars.get(element, () => Object.freeze({ kind: 'scalar', key: element, element }));
}

export function vec(lanes: number, element: ScalarType): VectorType {
  const key = `vec<${lanes}x${element}>`;
  return vectors.get(key, () => Object.freeze({ kind: 'vec', key, lanes, element }));
}

export function ref(element: ScalarType, space: MemorySpace): RefType {
  const key = `ref<${element}, ${space}>`;
  return refs.get(key, () => Object.freeze({ kind: 'ref', key, element, space }));
}

export function isTensor(type: Type): type is TensorType {
  return type.kind === 'tensor';
}

/** The same tensor with other parts. */
export function withElement(type: TensorType, element: ElementType): TensorType {
  return tensor(type.shape, element, type.layout);
}

export function withLayout(type: TensorType, layout: Layout | undefined): TensorType {
  return tensor(type.shape, type.element, layout);
}

/** The scalar that is stored for an element: the type itself, or the codes of a quantized type. */
export function storageOf(element: ElementType): ScalarType {
  return typeof element === 'string' ? element : element.storage;
}

/** The quantized element type of a tensor, or undefined. */
export function quantOf(type: TensorType): QuantType | undefined {
  return typeof type.element === 'string' ? undefined : type.element;
}

/** The shape, when every dimension is a number. Throws an InternalError otherwise. */
export function staticShape(type: TensorType): number[] {
  return type.shape.map(knownSize);
}

/** A dimension as the number that it is. Throws a SymbolicShapeError when it is an expression. */
export function knownSize(dim: Dim): number {
  if (typeof dim === 'number') return dim;
  throw new SymbolicShapeError(dim);
}

/** Code that needs to know a size has met one that is an expression. */
export class SymbolicShapeError extends InternalError {
  constructor(dim: Dim) {
    super(`dimension ${dim} must be known here`);
  }
}

/** Number of elements of a tensor with a static shape. */
export function elementCount(type: TensorType): number {
  return staticShape(type).reduce((n, dim) => n * dim, 1);
}

/** Steps in memory, in elements, for each logical axis under the tensor's layout. */
export function stridesOf(type: TensorType): number[] {
  return stepsOf(type).map(knownSize);
}

/** As `stridesOf`, where sizes may be expressions. */
export function stepsOf(type: TensorType): Dim[] {
  const { shape, layout } = type;
  const order = physicalOrder(layout, shape.length);
  const steps = new Array<Dim>(shape.length).fill(0);
  let step: Dim = 1;
  order.toReversed().forEach((axis, i) => {
    steps[axis] = step;
    const size = shape[axis] as Dim;
    step = mulDim(step, i === 0 ? paddedTo(size, layout?.pad ?? 1) : size);
  });
  return steps;
}

/** Elements that a buffer for the tensor holds, innermost padding included. */
export function storedElements(type: TensorType): number {
  return knownSize(storedSize(type));
}

/** As `storedElements`, where sizes may be expressions. */
export function storedSize({ shape, layout }: TensorType): Dim {
  const order = physicalOrder(layout, shape.length);
  return productOf(
    order.map((axis, i) =>
      i === order.length - 1 ? paddedTo(shape[axis] as Dim, layout?.pad ?? 1) : (shape[axis] as Dim),
    ),
  );
}

/** Bytes that a buffer for the tensor takes. */
export function storedBytes(type: TensorType): number {
  return storedElements(type) * bytesOf(storageOf(type.element));
}

function paddedTo(n: Dim, multiple: number): Dim {
  return multiple === 1 ? n : mulDim(floorDivDim(addDim(n, multiple - 1), multiple), multiple);
}

/** The real element type that an element stands for: itself, or what a quantized type expresses. */
export function expressed(element: ElementType): ScalarType {
  return typeof element === 'string' ? element : element.expressed;
}
