import { Histogram, type HistogramRecord } from './histogram.ts';

/** How the elements of a tensor are divided: `size` channels, each of `inner` neighbouring elements, again and again. */
export interface Division {
  readonly channels: number;
  readonly inner: number;
}

/** The smallest and the largest element of each token: of all channels at one place. */
export class TokenExtremes {
  readonly low: Histogram;
  readonly high: Histogram;

  constructor(low: Histogram = new Histogram(), high: Histogram = new Histogram()) {
    this.low = low;
    this.high = high;
  }

  /** Counts the tokens of a sample, limited to [least, most]. */
  add(data: Float32Array, { channels, inner }: Division, least: number, most: number): void {
    const count = data.length / channels;
    const [lows, highs] = [new Float32Array(count), new Float32Array(count)];
    for (let token = 0; token < count; token++) {
      const first = Math.floor(token / inner) * channels * inner + (token % inner);
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let i = first; i < first + channels * inner; i += inner) {
        const x = data[i] as number;
        if (x < low) low = x;
        if (x > high) high = x;
      }
      lows[token] = low;
      highs[token] = high;
    }
    this.low.add(lows, least, most);
    this.high.add(highs, least, most);
  }

  merge({ low, high }: TokenExtremes): void {
    this.low.merge(low);
    this.high.merge(high);
  }

  toRecord(): TokenRecord {
    return { low: this.low.toRecord(), high: this.high.toRecord() };
  }

  static fromRecord({ low, high }: TokenRecord): TokenExtremes {
    return new TokenExtremes(Histogram.fromRecord(low), Histogram.fromRecord(high));
  }
}

export interface TokenRecord {
  readonly low: HistogramRecord;
  readonly high: HistogramRecord;
}

/** The smallest and the largest element of each channel. */
export class ChannelExtremes {
  readonly low: number[];
  readonly high: number[];

  constructor({ low, high }: ChannelRecord = { low: [], high: [] }) {
    this.low = [...low];
    this.high = [...high];
  }

  /** Counts a sample in, its elements limited to [least, most]. */
  add(data: Float32Array, { channels, inner }: Division, least: number, most: number): void {
    for (let i = 0; i < data.length; i++) {
      const x = Math.min(Math.max(data[i] as number, least), most);
      this.#see(Math.floor(i / inner) % channels, x, x);
    }
  }

  merge({ low, high }: ChannelExtremes): void {
    low.forEach((least, channel) => {
      this.#see(channel, least, high[channel] as number);
    });
  }

  #see(channel: number, low: number, high: number): void {
    this.low[channel] = Math.min(this.low[channel] ?? low, low);
    this.high[channel] = Math.max(this.high[channel] ?? high, high);
  }

  toRecord(): ChannelRecord {
    return { low: this.low, high: this.high };
  }
}

export interface ChannelRecord {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** What an observer wants to know beside the histogram. */
export type SliceKind = 'tokens' | 'channels';
