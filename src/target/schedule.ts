import type { Target } from './target.ts';

/** How the kernel of one layer is computed, where that was measured rather than derived. */
export interface Schedule {
  /** Rows of the register tile. */
  readonly rows: number;
}

/** Schedules by the model's own names of layers. */
export type Schedules = Readonly<Record<string, Schedule>>;

/** The target as the kernel of a layer sees it. */
export function scheduledFor(target: Target, layer: string, schedules: Schedules = {}): Target {
  return Object.hasOwn(schedules, layer) ? { ...target, tileRows: (schedules[layer] as Schedule).rows } : target;
}
