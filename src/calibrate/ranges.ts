import { type Module, Resource } from '../ir/index.ts';
import type { Range } from './observers/index.ts';

/** Ranges that calibration has chosen are facts of the module, so that later pipelines need no data. */
const factOf = (stats: string): string => `range:${stats}`;

/** Keeps the range chosen for the statistics called `stats`. */
export function storeRange(module: Module, stats: string, { min, max }: Range): void {
  const name = factOf(stats);
  module.facts.set(name, Resource.of(name, 'f64', Float64Array.of(min, max)));
}

/** The range chosen for the statistics called `stats`, or undefined before calibration. */
export function loadRange(module: Module, stats: string): Range | undefined {
  const data = module.facts.get(factOf(stats))?.data();
  return data ? { min: data[0] as number, max: data[1] as number } : undefined;
}
