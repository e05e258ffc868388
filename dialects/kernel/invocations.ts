import type { Block, Op } from '../../src/ir/index.ts';

/** Invocations of a group: every device allows that many, and it is a multiple of what devices run together. */
export const groupSize = 64;

/** The parallel parts of a kernel, each behind a test whether an invocation has a share in it. */
export class Invocations {
  /** The kernel's kernel.grid. */
  grid: Op | undefined;
  readonly #parts: { readonly guard: Op; readonly count: number }[] = [];

  add(guard: Op, count: number): void {
    this.#parts.push({ guard, count });
  }

  /** Makes the grid as large as the largest part, and drops tests that always hold. */
  finish(): void {
    if (!this.grid || this.#parts.length === 0) return;
    const most = this.#parts.reduce((n, { count }) => Math.max(n, count), 1);
    const size = Math.min(groupSize, most);
    const workgroups = Math.ceil(most / size);
    this.grid.attributes = { workgroups, size };
    for (const { guard, count } of this.#parts) if (count === workgroups * size) unwrap(guard);
  }
}

/** Puts the ops of a region in the place of the op that holds it. */
function unwrap(op: Op): void {
  const outer = op.block as Block;
  const region = op.regions[0] as Block;
  for (const inner of region.ops()) {
    region.remove(inner);
    if (inner.definition.terminator) continue;
    outer.insert(inner, op);
  }
  op.setOperand(0, undefined);
  outer.remove(op);
}
