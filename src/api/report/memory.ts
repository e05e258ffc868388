import { buffer, launch, signature } from '../../../dialects/kernel/index.ts';
import { type Module, type Op, type Value, walk } from '../../ir/index.ts';

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
export function arenaOf(module: Module): ArenaReport {
  const { main } = module;
  const launches = [...walk(main.body)].filter((op) => launch.is(op));
  const buffers = [...walk(main.body)].flatMap((op) => {
    if (!buffer.is(op) || op.result.type.kind !== 'ref' || op.result.type.space !== 'arena') return [];
    const { offset, bytes } = buffer.attributesOf(op);
    return lifetimesOf(module, launches, op.result).map(({ from, to }) => {
      return { layer: launches[from]?.source ?? '', offset, bytes, from, to };
    });
  });
  const first = main.body.first;
  const bytes = signature.is(first) ? signature.attributesOf(first).arena_bytes : 0;
  return { bytes, launches: launches.length, buffers };
}

interface Lifetime {
  readonly from: number;
  to: number;
}

/** From each first write of a place to the last read of it: places of the same size serve one value after another. */
function lifetimesOf(module: Module, launches: readonly Op[], place: Value): readonly Lifetime[] {
  const lifetimes: Lifetime[] = [];
  let wasRead = true;
  for (const [i, op] of launches.entries()) {
    if (!op.operands.includes(place)) continue;
    const parameters = module.functions.get(launch.attributesOf(op).kernel)?.body.args ?? [];
    const spaces = op.operands.flatMap((value, j) => {
      const type = parameters[j]?.type;
      return value === place && type?.kind === 'ref' ? [type.space] : [];
    });
    const reads = spaces.some((space) => space !== 'output');
    const last = lifetimes.at(-1);
    if (last && (reads || !wasRead)) last.to = i;
    else lifetimes.push({ from: i, to: i });
    wasRead = reads;
  }
  return lifetimes;
}
