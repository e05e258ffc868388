import { type Dim, type ElementType, mulDim, quantType, type TensorType } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** An axis counted from the front; negative ones count from the end. @throws QcError when there is no such axis. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal >= 0 && normal < rank) return normal;
  throw new QcError({
    what: `there is no axis ${axis} in a tensor of rank ${rank}`,
    why: rank === 0 ? 'a scalar has no axes' : `axes count from ${-rank} to ${rank - 1}`,
    help: 'export the model again',
  });
}

/** Axes counted from the front, each once. @throws QcError */
export function normalAxes(axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => normalAxis(axis, rank));
  if (new Set(normal).size === normal.length) return normal;
  throw new QcError({ what: `axes [${axes.join(', ')}] name one axis twice`, help: 'export the model again' });
}

/** The product of dimensions. */
export function product(dims: readonly Dim[]): Dim {
  return dims.reduce(mulDim, 1);
}

/** The product of the known dimensions; symbols count 1. For costs. */
export function knownCount(dims: readonly Dim[]): number {
  return dims.reduce<number>((n, dim) => (typeof dim === 'number' ? n * dim : n), 1);
}

/**
 * The element type after axes have moved: an axis that carries scales becomes `move(axis)`.
 * @throws QcError when `move` gives undefined, that is, when the axis does not survive.
 */
export function moveQuantAxis(x: TensorType, move: (axis: number) => number | undefined): ElementType {
  const { element } = x;
  if (typeof element === 'string') return element;
  const { granularity } = element;
  if (granularity.kind !== 'axis' && granularity.kind !== 'block') return element;
  const axis = move(granularity.axis);
  if (axis === undefined) {
    throw new QcError({
      what: `the axis ${granularity.axis} that carries the scales of ${x.key} does not survive`,
      why: 'its scales would have nothing to belong to',
      help: 'quantize the tensor per tensor, or after this operator',
    });
  }
  return axis === granularity.axis ? element : quantType({ ...element, granularity: { ...granularity, axis } });
}
