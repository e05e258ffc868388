import { buffer, launch, signature } from '../../../dialects/kernel/index.ts';
import type { Module, Op } from '../../ir/index.ts';

/** A buffer of the arena: where it lies, and during which launches it is needed. */
export interface ArenaBuffer {
  /** The layer that writes it. */
  readonly layer: string;
  readonly offset: number;
  readonly bytes: number;
  /** Numbers of the first and the last launch that touch it. */
  readonly from: number;
  readonly to: number;
}

/** The memory plan of a program. */
export interface ArenaReport {
  readonly bytes: number;
  readonly launches: number;
  readonly buffers: readonly ArenaBuffer[];
}

/** Reads the memory plan of a planned module. */
export function arenaOf({ main }: Module): ArenaReport {
  const launches = [...main.body.ops()].filter((op) => launch.is(op));
  const buffers: ArenaBuffer[] = [];
  for (const op of main.body.ops()) {
    if (!buffer.is(op) || op.result.type.kind !== 'ref' || op.result.type.space !== 'arena') continue;
    const users = launches.flatMap((one: Op, i) => (one.operands.includes(op.result) ? [i] : []));
    const [from, to] = [users[0], users.at(-1)];
    if (from === undefined || to === undefined) continue;
    const { offset, bytes } = buffer.attributesOf(op);
    buffers.push({ layer: launches[from]?.source ?? '', offset, bytes, from, to });
  }
  const first = main.body.first;
  const bytes = signature.is(first) ? signature.attributesOf(first).arena_bytes : 0;
  return { bytes, launches: launches.length, buffers };
}
