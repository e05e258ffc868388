import type { Recipe, WeightStorage } from '../scheme/index.ts';
import { profile, profiledManifest } from './profile.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** Milliseconds of each layer, by the model's name of it and the bits of its weights. */
export type Latencies = ReadonlyMap<string, ReadonlyMap<number, number>>;

/**
 * Programs are measured one after the other, so many times, so that what slows the machine down for seconds slows none of
 * them alone. Of all runs the least time of each launch counts; in the first ones engines still optimize code.
 */
const turns = 16;

/** Runs of a program in a turn, and milliseconds after which it has no more of them. */
const limits = { rounds: 200, budget: 300 };

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
  const { budget: _, ...plain } = recipe;
  const weights = typeof plain.weights === 'object' ? plain.weights : {};
  const programs: (readonly [bits: number, files: Files])[] = [];
  for (const bits of widths) {
    const storage = `i${bits}` as WeightStorage;
    programs.push([bits, await build({ ...plain, weights: { ...weights, storage } })]);
  }
  const latencies = new Map<string, Map<number, number>>();
  const least = new Map<Files, readonly number[]>();
  for (let turn = 0; turn < turns; turn++) {
    for (const [, files] of programs) {
      const { launches } = await profile(files, limits);
      const known = least.get(files);
      least.set(
        files,
        launches.map((launch, i) => Math.min(launch.least, known?.[i] ?? Number.POSITIVE_INFINITY)),
      );
    }
  }
  for (const [bits, files] of programs) {
    const { launches } = profiledManifest(files);
    for (const [i, { layer }] of launches.entries()) {
      const times = latencies.get(layer) ?? new Map<number, number>();
      times.set(bits, (times.get(bits) ?? 0) + (least.get(files)?.[i] as number) / 1e3);
      latencies.set(layer, times);
    }
  }
  return latencies;
}
