import type { Histogram } from '../histogram.ts';
import type { ChannelExtremes, SliceKind, TokenExtremes } from '../slices.ts';

/** The part of a value's range that its codes will cover. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What calibration saw of a value: at least one number. */
export interface Seen {
  /** Of all elements of all samples. */
  readonly histogram: Histogram;
  /** The smallest and the largest element of a sample, averaged over the samples. */
  readonly average: Range;
  /** Where the observer needs them. */
  readonly tokens?: TokenExtremes | undefined;
  readonly channels?: ChannelExtremes | undefined;
  /** Whether a softmax makes the value. */
  readonly isShare?: boolean | undefined;
}

/** A rule that chooses the range of a value from what calibration saw of it. The range contains 0. */
export interface Observer {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** What calibration must collect for it beside histograms. */
  readonly needs?: SliceKind;
  choose(seen: Seen): Range;
}

/** The smallest range that contains the given one and 0. */
export function withZero({ min, max }: Range): Range {
  return { min: Math.min(min, 0), max: Math.max(max, 0) };
}
