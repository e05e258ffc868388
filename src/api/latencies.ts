import type { Recipe, WeightStorage } from '../scheme/index.ts';
import { profile } from './profile.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** Milliseconds of each layer, by the model's name of it and the bits of its weights. */
export type Latencies = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Runs of which the least time of each launch is taken, after those in which engines optimize code. */
const rounds = 60;

/**
 * Measures the layers of a model with all weights in each of some widths, as wasm programs on this machine.
 * @param recipe without rules about widths
 * @param build compiles the model for wasm under a recipe
 */
export async function measureLatencies(
  recipe: Recipe,
  widths: readonly number[],
  build: (recipe: Recipe) => Promise<Files>,
): Promise<Latencies> {
  const latencies = new Map<string, Map<number, number>>();
  const { budget: _, ...plain } = recipe;
  const weights = typeof plain.weights === 'object' ? plain.weights : {};
  for (const bits of widths) {
    const storage = `i${bits}` as WeightStorage;
    const files = await build({ ...plain, weights: { ...weights, storage } });
    await profile(files, { rounds });
    const { launches } = await profile(files, { rounds });
    for (const { layer, least } of launches) {
      const times = latencies.get(layer) ?? new Map<number, number>();
      times.set(bits, (times.get(bits) ?? 0) + least / 1e3);
      latencies.set(layer, times);
    }
  }
  return latencies;
}
