/** Middle and spread of a sample. */
export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
}

/** Linear interpolation between order statistics; `sorted` ascends and is not empty. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}

/** Median and quartiles. `values` must not be empty. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** Median and quartiles of peer/own taken round by round, so that a machine that slows down slows both. */
export function ratio(peer: readonly number[], own: readonly number[]): Spread {
  return spread(peer.map((time, round) => time / (own[round] as number)));
}

/** The slowest of several, round by round. */
export function slowest(all: readonly (readonly number[])[]): number[] {
  const [first = []] = all;
  return first.map((_, round) => Math.max(...all.map((times) => times[round] as number)));
}

/** Geometric mean of positive numbers. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
