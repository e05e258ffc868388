import type { Op } from '../src/ir/index.ts';

/** Real bounds of a result, as an op's `clamp` attribute holds them. */
export type Bounds = readonly [low: number, high: number];

/** The clamp that is fused into an op; infinite bounds where there is none. */
export function clampOf(op: Op): Bounds {
  const { clamp } = op.attributes;
  const [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY] =
    (clamp as readonly number[] | undefined) ?? [];
  return [low, high];
}

/** Whether an op has no clamp fused into it. */
export function withoutClamp(op: Op): boolean {
  const [low, high] = clampOf(op);
  return low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY;
}

/** A clamp to [low, high] after the clamp `first`, as one clamp. */
export function composeClamps(first: Bounds, low: number, high: number): Bounds {
  const within = (x: number) => Math.min(Math.max(x, low), high);
  return [within(first[0]), within(first[1])];
}
