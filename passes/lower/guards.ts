import { launch } from '../../dialects/kernel/index.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import { aliasRoot } from './kernels.ts';

/** A launch runs only where the one element of `flag` is not 0 (`holds`), or is 0. */
export interface Guard {
  readonly flag: Value;
  readonly holds: boolean;
}

type Guards = ReadonlyMap<string, Guard>;

const none: Guards = new Map();

/** What both wait for. */
const common = (a: Guards, b: Guards): Guards => new Map([...a].filter(([key]) => b.has(key)));

/**
 * What each launch must wait for, outermost first: a launch whose results nothing but one way of a choice needs runs
 * where that way is taken. `returned` are needed always.
 */
export function guardsOf(launches: readonly Op[], returned: readonly Value[]): ReadonlyMap<Op, readonly Guard[]> {
  const place = new Map(launches.map((op, i) => [op, i]));
  const numbers = new Map<Value, number>();
  const always = new Set(returned.map(aliasRoot));
  const needs = new Map<Value, Guards>();
  const guards = new Map<Op, readonly Guard[]>();
  const madeAt = ({ op }: Value) => (op && place.get(op)) ?? -1;

  /** A use adds to what is known of a value: it is needed where any of its uses is. */
  const use = (value: Value, where: Guards): void => {
    const known = needs.get(value);
    needs.set(value, known ? common(known, where) : where);
  };

  for (const op of launches.toReversed()) {
    const own = op.results
      .filter((result) => always.has(result) || needs.has(result))
      .map((result) => (always.has(result) ? none : (needs.get(result) as Guards)))
      .reduce<Guards | undefined>((a, b) => (a ? common(a, b) : b), undefined);
    const before = place.get(op) as number;
    const known = [...(own ?? none)].filter(([, { flag }]) => madeAt(flag) < before);
    guards.set(
      op,
      known.map(([, guard]) => guard).sort((a, b) => madeAt(a.flag) - madeAt(b.flag)),
    );
    const where: Guards = new Map(known);
    const { chooses } = launch.attributesOf(op);
    const values = op.operands.map((v) => aliasRoot(v as Value));
    const flag = values[0] as Value;
    if (chooses && !numbers.has(flag)) numbers.set(flag, numbers.size);
    values.forEach((value, i) => {
      const way = chooses && (i === 1 || i === 2);
      const key = `${numbers.get(flag)} ${i === 1}`;
      use(value, way ? new Map([...where, [key, { flag, holds: i === 1 }]]) : where);
    });
  }
  return guards;
}
