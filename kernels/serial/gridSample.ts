import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count, rowMajor } from './places.ts';

interface Sampling {
  readonly mode: string;
  readonly padding: string;
  readonly align: boolean;
}

/** An element that a place takes part of: where it is, its weight, and whether it counts (undefined: always). */
interface Tap {
  readonly offset: Value;
  readonly weight: Value;
  readonly counts: Value | undefined;
}

/** f32 arithmetic of one place along one axis of `size` elements. */
class AxisPlaces {
  readonly #k: KernelBuilder;
  readonly #size: number;
  readonly #sampling: Sampling;

  constructor(k: KernelBuilder, size: number, sampling: Sampling) {
    this.#k = k;
    this.#size = size;
    this.#sampling = sampling;
  }

  #f(value: number): Value {
    return this.#k.constant(value, 'f32');
  }

  /** The ends between which places are reflected. */
  get #ends(): readonly [number, number] {
    return this.#sampling.align ? [0, this.#size - 1] : [-0.5, this.#size - 0.5];
  }

  /** From −1…1 to an index, folded back or clamped where the padding says so. */
  denormal(v: Value): Value {
    const k = this.#k;
    const { mode, padding, align } = this.#sampling;
    const up = k.add(v, this.#f(1));
    const exact = align
      ? k.mul(k.mul(up, this.#f(0.5)), this.#f(this.#size - 1))
      : k.mul(k.sub(k.mul(up, this.#f(this.#size)), this.#f(1)), this.#f(0.5));
    const place = mode === 'nearest' ? k.roundEven(exact) : exact;
    if (padding === 'zeros' || mode === 'cubic') return place;
    const [low, high] = this.#ends.map((end) => this.#f(end)) as [Value, Value];
    const inside = k.and(k.cmp('ge', place, low), k.cmp('le', place, high));
    const clamped = () => k.min(k.max(place, this.#f(0)), this.#f(this.#size - 1));
    return k.select(inside, place, padding === 'border' ? clamped() : this.#reflected(place));
  }

  /** Mirrored at both ends as often as it takes; a place that is not finite becomes the first end. */
  #reflected(x: Value): Value {
    const k = this.#k;
    const [first, last] = this.#ends;
    const [low, high, range] = [this.#f(first), this.#f(last), last - first];
    if (range <= 0) return low;
    const before = k.cmp('lt', x, low);
    const distance = k.select(before, k.sub(low, x), k.max(k.sub(x, high), this.#f(0)));
    const turns = k.floor(k.div(distance, this.#f(range)));
    const rest = k.sub(distance, k.mul(turns, this.#f(range)));
    const half = k.mul(turns, this.#f(0.5));
    const even = k.cmp('eq', half, k.floor(half));
    const up = k.or(k.and(before, even), k.and(k.cmp('ge', x, low), k.cmp('ne', half, k.floor(half))));
    const folded = k.select(up, k.add(low, rest), k.sub(high, rest));
    const within = k.and(k.cmp('ge', x, low), k.cmp('le', x, high));
    const finite = k.cmp('lt', k.abs(x), this.#f(Infinity));
    return k.select(within, x, k.select(finite, folded, low));
  }

  /** The neighbours of a place on this axis. */
  neighbours(at: Value, step: number): Tap[] {
    const k = this.#k;
    const base = k.floor(at);
    const share = k.sub(at, base);
    const finite = k.cmp('lt', k.abs(at), this.#f(Infinity));
    return this.#weights(share).map(({ offset, weight }) => {
      const [index, inside] = this.#inside(k.add(base, this.#f(offset)));
      return { offset: k.scaled(index, step), weight, counts: inside ? k.and(finite, inside) : finite };
    });
  }

  #weights(share: Value): { offset: number; weight: Value }[] {
    const k = this.#k;
    const { mode } = this.#sampling;
    if (mode === 'nearest') return [{ offset: 0, weight: this.#f(1) }];
    if (mode === 'linear') {
      return [
        { offset: 0, weight: k.sub(this.#f(1), share) },
        { offset: 1, weight: share },
      ];
    }
    return [-1, 0, 1, 2].map((offset) => ({
      offset,
      weight: this.#cubic(k.abs(k.sub(this.#f(offset), share)), offset),
    }));
  }

  /** Keys' cubic convolution (1981) with a = −0.75: the inner piece for the two nearest neighbours. */
  #cubic(x: Value, offset: number): Value {
    const k = this.#k;
    const a = -0.75;
    const horner = (factors: readonly number[]) =>
      factors.slice(1).reduce((sum, factor) => k.add(k.mul(sum, x), this.#f(factor)), this.#f(factors[0] as number));
    const isNear = offset === 0 || offset === 1;
    return isNear ? horner([a + 2, -(a + 3), 0, 1]) : horner([a, -5 * a, 8 * a, -4 * a]);
  }

  /** A whole place as an index of the axis, and whether it was inside (undefined: the padding makes it so). */
  #inside(place: Value): [Value, Value | undefined] {
    const k = this.#k;
    const last = this.#f(this.#size - 1);
    const clamped = k.min(k.max(place, this.#f(0)), last);
    const isInside = k.and(k.cmp('ge', place, this.#f(0)), k.cmp('le', place, last));
    if (this.#sampling.padding === 'zeros') return [k.convert(clamped, 'index'), isInside];
    if (this.#sampling.padding === 'border') return [k.convert(clamped, 'index'), undefined];
    const folded = k.select(isInside, place, this.#reflected(place));
    return [k.convert(k.min(k.max(folded, this.#f(0)), last), 'index'), undefined];
  }
}

/** Every product of neighbours along the axes. */
function combine(k: KernelBuilder, axes: readonly (readonly Tap[])[]): readonly Tap[] {
  return axes.reduce((taps, along) =>
    taps.flatMap((a) =>
      along.map((b) => ({
        offset: k.add(a.offset, b.offset),
        weight: k.mul(a.weight, b.weight),
        counts: a.counts && b.counts ? k.and(a.counts, b.counts) : (a.counts ?? b.counts),
      })),
    ),
  );
}

/** x at the places that a grid names. */
export function gridSample({ root }: Cluster, context: KernelContext): KernelPlan {
  const [x, grid] = root.operands as [Value, Value];
  const [batches, channels, ...sizes] = staticShape(tensorType(x)) as [number, number, ...number[]];
  const points = count(staticShape(tensorType(root.result)).slice(2));
  const plane = count(sizes);
  const steps = rowMajor(sizes);
  const {
    mode = 'linear',
    padding = 'zeros',
    align_corners: align = false,
  } = root.attributes as {
    mode?: string;
    padding?: string;
    align_corners?: boolean;
  };
  return {
    operands: [x, grid],
    variants: [
      {
        feature: undefined,
        build(k) {
          const [input, places] = [context.input(k, 'x', x), context.input(k, 'grid', grid)];
          const y = context.output(k, root.result);
          k.loop(0, batches, 1, (n) =>
            k.loop(0, points, 1, (p) => {
              const start = k.scaled(k.add(k.scaled(n, points), p), sizes.length);
              const axes = sizes.map((size, i) => {
                const along = new AxisPlaces(k, size, { mode, padding, align });
                const v = k.load(places, k.add(start, k.index(sizes.length - 1 - i)));
                return along.neighbours(along.denormal(v), steps[i] as number);
              });
              const taps = combine(k, axes);
              k.loop(0, channels, 1, (c) => {
                const line = k.add(k.scaled(n, channels), c);
                const from = k.scaled(line, plane);
                const sum = taps.reduce(
                  (sofar, { offset, weight, counts }) => {
                    const term = k.mul(weight, k.load(input, k.add(from, offset)));
                    return k.add(sofar, counts ? k.select(counts, term, k.constant(0, 'f32')) : term);
                  },
                  k.constant(0, 'f32'),
                );
                k.store(sum, y, k.add(k.scaled(line, points), p));
              });
            }),
          );
        },
      },
    ],
  };
}
