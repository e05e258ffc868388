import type { Inputs, Runner } from './runner.ts';

export interface InterleaveOptions {
  readonly rounds: number;
  /** About how long a runner runs within one round. */
  readonly sliceMilliseconds: number;
  /** How long each runner runs before the first round, so that engines have optimized its code. */
  readonly warmUpMilliseconds: number;
  /** About how long all rounds may take: with slow runners there are fewer, but 5. Default: as long as they take. */
  readonly mostMilliseconds?: number;
}

/** Milliseconds that `runs` runs take. */
async function timeRuns(runner: Runner, inputs: Inputs, runs: number): Promise<number> {
  if (runner.time) return runner.time(inputs, runs);
  const start = performance.now();
  for (let i = 0; i < runs; i++) await runner.run(inputs);
  return performance.now() - start;
}

/** Runs until the time is over; gives the number of runs and what they took. */
async function runFor(runner: Runner, inputs: Inputs, milliseconds: number): Promise<[runs: number, took: number]> {
  let runs = 0;
  let took = 0;
  while (took < milliseconds) {
    const more = Math.max(1, runs);
    took += await timeRuns(runner, inputs, more);
    runs += more;
  }
  return [runs, took];
}

const fewestRounds = 5;

/**
 * Times runners in turn, each a slice a round, the order turned around every other round. Gives milliseconds a run:
 * for each runner one number a round.
 */
export async function interleave(
  runners: readonly Runner[],
  inputs: Inputs,
  { rounds, sliceMilliseconds, warmUpMilliseconds, mostMilliseconds = Number.POSITIVE_INFINITY }: InterleaveOptions,
): Promise<number[][]> {
  const counts: number[] = [];
  let roundMilliseconds = 0;
  for (const runner of runners) {
    await runFor(runner, inputs, warmUpMilliseconds);
    const [runs, took] = await runFor(runner, inputs, sliceMilliseconds);
    const count = Math.max(1, Math.round((runs * sliceMilliseconds) / took));
    counts.push(count);
    roundMilliseconds += (count * took) / runs;
  }
  const affordable = Math.max(fewestRounds, Math.floor(mostMilliseconds / roundMilliseconds));
  const times: number[][] = runners.map(() => []);
  const order = runners.map((_, i) => i);
  for (let round = 0; round < Math.min(rounds, affordable); round++) {
    for (const i of order) {
      const runs = counts[i] as number;
      times[i]?.push((await timeRuns(runners[i] as Runner, inputs, runs)) / runs);
    }
    order.reverse();
  }
  return times;
}
