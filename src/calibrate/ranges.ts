import { type Module, Resource } from '../ir/index.ts';
import type { Range } from './observers/index.ts';

/** What calibration has chosen are facts of the module, so that later pipelines need no data. */
const rangeFact = (stats: string): string => `range:${stats}`;
const windowFact = (stats: string): string => `window:${stats}`;

/** The range of 8-bit codes, and that of everything that was seen. */
export interface ChosenRange extends Range {
  readonly whole: Range;
}

/** Keeps the range chosen for the statistics called `stats`. */
export function storeRange(module: Module, stats: string, { min, max, whole }: ChosenRange): void {
  store(module, rangeFact(stats), Float64Array.of(min, max, whole.min, whole.max));
}

/** The range chosen for the statistics called `stats`, or undefined before calibration. */
export function loadRange(module: Module, stats: string): ChosenRange | undefined {
  const data = module.facts.get(rangeFact(stats))?.data() as Float64Array | undefined;
  if (!data) return undefined;
  const [min = 0, max = 0, least = min, most = max] = data;
  return { min, max, whole: { min: least, max: most } };
}

/** Keeps the mean of the windows that a layer sees. */
export function storeWindow(module: Module, stats: string, mean: Float64Array): void {
  store(module, windowFact(stats), mean);
}

/** Takes the mean of the windows that a layer sees out of the module; undefined before calibration. */
export function takeWindow(module: Module, stats: string): Float64Array | undefined {
  const found = module.facts.get(windowFact(stats));
  module.facts.delete(windowFact(stats));
  return found?.data() as Float64Array | undefined;
}

function store(module: Module, name: string, data: Float64Array): void {
  module.facts.set(name, Resource.of(name, 'f64', data));
}
