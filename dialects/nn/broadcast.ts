import {
  type Dim,
  type ElementType,
  expressed,
  maxDim,
  type ScalarType,
  type TensorType,
  tensor,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { readStrided, rowMajorStrides } from './strided.ts';

/**
 * The shape that NumPy broadcasting gives. A symbol beside a number other than 1 is taken to be that number or 1;
 * two different symbols give their maximum. The evaluation checks both.
 * @throws QcError when two numbers differ and neither is 1.
 */
export function broadcastDims(...shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const dims = shapes.flatMap((shape) => shape[i - rank + shape.length] ?? []);
    return dims.reduce((a, b) => broadcastDim(a, b, shapes), 1);
  });
}

function broadcastDim(a: Dim, b: Dim, shapes: readonly (readonly Dim[])[]): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number' && typeof b === 'number') {
    throw new QcError({
      what: `the shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')} do not fit together`,
      why: `${a} and ${b} differ and neither is 1`,
      help: 'check the shapes of the inputs and of the model',
    });
  }
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : maxDim(a, b);
}

/** The tensor repeated along axes of size 1 and new leading axes; itself when it has the shape already. */
export function broadcastTo(x: HostTensor, shape: readonly number[]): HostTensor {
  if (x.shape.length === shape.length && x.shape.every((dim, i) => dim === shape[i])) return x;
  const lead = shape.length - x.shape.length;
  const own = rowMajorStrides(x.shape);
  const strides = shape.map((_, i) => (i < lead || x.shape[i - lead] === 1 ? 0 : (own[i - lead] as number)));
  return readStrided(x, shape, strides);
}

/** Operands brought to their common shape. */
export function broadcastAll(operands: readonly HostTensor[]): { shape: number[]; operands: HostTensor[] } {
  const shape = broadcastDims(...operands.map((x) => x.shape)) as number[];
  return { shape, operands: operands.map((x) => broadcastTo(x, shape)) };
}

/** The result type of an elementwise op; it lies in memory as the operand whose shape it has. */
export function elementwiseType(operands: readonly TensorType[], element: ElementType): TensorType {
  const shape = broadcastDims(...operands.map((x) => x.shape));
  const like = operands.find((x) => x.shape.length === shape.length && x.shape.every((dim, i) => dim === shape[i]));
  return tensor(shape, element, like?.layout);
}

/** The one element type that all operands express. @throws QcError when they differ. */
export function commonElement(operands: readonly TensorType[]): ScalarType {
  const elements = [...new Set(operands.map((x) => expressed(x.element)))];
  const [element] = elements;
  if (element !== undefined && elements.length === 1) return element;
  throw new QcError({
    what: `the operands have different element types: ${elements.join(' and ')}`,
    why: 'an operator computes in one type',
    help: 'insert a Cast in the model',
  });
}
