import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';

/** Invocations in a group, and half of what `turnGroups` works on. */
export const groupSize = 64;

/** What may be planted: no barrier, one that only some reach, and a place beyond the end. */
export interface Faults {
  readonly barrier?: 'none' | 'some';
  readonly bound?: number;
}

/** A kernel body that turns the i32 elements of each group around by way of the group's memory. */
export function turnGroups(k: KernelBuilder, faults: Faults = {}): void {
  const [x, y] = [k.buffer('x', 'i32', 'input'), k.buffer('y', 'i32', 'output')];
  k.parallel([2 * groupSize], ([i]) => {
    const at = i as Value;
    const tile = k.shared('i32', groupSize);
    const { local } = k.grid();
    k.store(k.load(x, at), tile, local);
    if (faults.barrier === 'some') k.if(k.cmp('lt', local, k.index(groupSize / 2)), () => k.barrier());
    else if (faults.barrier !== 'none') k.barrier();
    const other = k.load(tile, k.sub(k.index(groupSize - 1), local));
    k.store(other, y, k.add(at, k.index(faults.bound ?? 0)));
  });
}
