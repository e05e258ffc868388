import type { TensorType, Type } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { elementCount } from '../support/tensor.ts';

/** What an import may come to: a model file is input that nobody vouches for. Each is the largest allowed number. */
export interface ImportLimits {
  /** Messages inside one another in the file. Default 100, protobuf's own. */
  readonly nesting: number;
  /** Nodes, when functions are inlined and loops are unrolled. Default 200 000. */
  readonly nodes: number;
  /** Elements of one tensor whose dimensions are numbers. Default 2³², more than any target's memory. */
  readonly elements: number;
  /** Bytes of all constants that the import computes. Default 2³¹. */
  readonly foldedBytes: number;
}

export const defaultLimits: ImportLimits = {
  nesting: 100,
  nodes: 200_000,
  elements: 2 ** 32,
  foldedBytes: 2 ** 31,
};

/** Refuses what goes beyond a limit; `what` says what it is that does. @throws QcError that names the limit */
export function checkLimit(
  limits: ImportLimits,
  name: keyof ImportLimits,
  found: number,
  what: string,
  where?: string,
): void {
  if (found <= limits[name]) return;
  throw new QcError({
    what,
    where: where || undefined,
    why: `the import's limit '${name}' is ${limits[name]}`,
    help: `export a smaller model, or raise limits.${name} of importOnnx for a model that you trust`,
  });
}

/** Refuses a tensor of too many elements. @throws QcError */
export function checkElements(limits: ImportLimits, type: Type | undefined, where?: string): void {
  if (type?.kind !== 'tensor' || !isStatic(type)) return;
  const count = elementCount(type.shape);
  checkLimit(limits, 'elements', count, `the tensor [${type.shape.join(', ')}] has too many elements`, where);
}

const isStatic = (type: TensorType): type is TensorType & { readonly shape: readonly number[] } =>
  type.shape.every((dim) => typeof dim === 'number');
