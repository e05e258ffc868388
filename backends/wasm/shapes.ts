import { bytesOf, isFloat, type ScalarType, type Type } from '../../src/ir/index.ts';
import { invariant, QcError } from '../../src/support/diagnostics.ts';

/** Bytes of a vector register. */
export const registerBytes = 16;

const supported: ReadonlySet<ScalarType> = new Set<ScalarType>([
  ...(['i1', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64', 'f32', 'index'] as const),
]);

/** Whether integers of this element type compare, widen and shift without a sign. */
export function isUnsigned(element: ScalarType): boolean {
  return element.startsWith('u') || element === 'i1';
}

/** Registers that `lanes` lanes of `width` bytes take. */
export function registersFor(lanes: number, width: number): number {
  return Math.max(1, Math.ceil((lanes * width) / registerBytes));
}

/** Lanes and element of a scalar (1 lane) or vector type. Throws a QcError for elements that kernels here lack. */
export function laneShape(type: Type): { lanes: number; element: ScalarType; isVector: boolean } {
  invariant(type.kind === 'scalar' || type.kind === 'vec', `a ${type.kind} is no value of a kernel`);
  if (!supported.has(type.element)) {
    throw new QcError({
      what: `the wasm target does not compute with ${type.element}`,
      why: 'WebAssembly has no such lanes',
      help: isFloat(type.element) ? 'cast the tensor to f32 in the model' : 'use another element type',
    });
  }
  return { lanes: type.kind === 'vec' ? type.lanes : 1, element: type.element, isVector: type.kind === 'vec' };
}

/** Bytes of a lane; masks have the width of what made them and are asked elsewhere. */
export function laneBytes(element: ScalarType): number {
  return bytesOf(element);
}
