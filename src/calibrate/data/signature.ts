import { QcError } from '../../support/diagnostics.ts';
import type { DType } from '../../support/tensor.ts';

/** What a model input expects; a dimension is a size or the name of a symbol. */
export interface InputSignature {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  /** A state: where no samples are given for it, it begins at zero and goes on from sample to sample. */
  readonly carried?: boolean;
  /** Of a state that grows: the axis along which it begins empty. */
  readonly grows?: number;
}

/** How an array is cut into samples. */
export interface SampleCut {
  readonly count: number;
  /** Samples of one stream: all of them, but where an array holds several streams. */
  readonly steps: number;
  /** Shape of one sample; it matches the input's. */
  readonly shape: readonly number[];
}

/** Whether a shape fits an expected one, where a symbol stands for any size. */
export function shapeMatches(shape: readonly number[], expected: readonly (number | string)[]): boolean {
  return (
    shape.length === expected.length && expected.every((dim, axis) => typeof dim === 'string' || dim === shape[axis])
  );
}

/** `expected` where `shape` is the same but for axes of one element; undefined where it is not. */
function withOnes(shape: readonly number[], expected: readonly (number | string)[]): number[] | undefined {
  const sizes = shape.filter((size) => size !== 1);
  const widened = expected.map((dim) => (dim === 1 ? 1 : (sizes.shift() ?? 0)));
  return sizes.length === 0 && shapeMatches(widened, expected) && !widened.includes(0) ? widened : undefined;
}

/**
 * How an array is a set of S samples of an input: its shape is [S] + the input's shape, or the input's with its
 * leading 1 or symbol replaced by S; axes of one element may be missing or more, as in [S, 28, 28] for images of
 * [1, 28, 28, 1]. With `streams` its first two axes may be streams and their steps instead of
 * samples. `expected` is the shape of what the caller passes. @throws QcError
 */
export function cutSamples(
  shape: readonly number[],
  expected: readonly (number | string)[],
  input: string,
  where: string,
  streams = false,
): SampleCut {
  const [count = 0, ...rest] = shape;
  if (shape.length > 0 && shapeMatches(rest, expected)) return { count, steps: count, shape: rest };
  const [leading, ...others] = expected;
  if ((leading === 1 || typeof leading === 'string') && shapeMatches(rest, others))
    return { count, steps: count, shape: [1, ...rest] };
  const [steps = 0, ...inner] = rest;
  if (streams && shape.length > 1 && shapeMatches(inner, expected))
    return { count: count * steps, steps, shape: inner };
  if (streams && shape.length > 1 && leading === 1 && shapeMatches(inner, others)) {
    return { count: count * steps, steps, shape: [1, ...inner] };
  }
  const widened = leading === 1 || typeof leading === 'string' ? withOnes(rest, others) : undefined;
  if (widened) return { count, steps: count, shape: [1, ...widened] };
  const forms = [`[S, ${expected.join(', ')}]`.replace(', ]', ']')];
  if (leading === 1 || typeof leading === 'string') forms.push(`[S, ${others.join(', ')}]`.replace(', ]', ']'));
  throw new QcError({
    what: `the array's shape [${shape.join(', ')}] is no set of samples for input '${input}' of shape [${expected.join(', ')}]`,
    where,
    why: `S samples have shape ${forms.join(' or ')}${streams ? '; streams of T steps have [S, T] in the place of S' : ''}`,
    help: 'reshape the array and save it again',
  });
}
