import { expF32 } from '../../dialects/kernel/elementary.ts';
import { type KernelBuilder, lanesOf } from '../../dialects/kernel/index.ts';
import type { RowSegment } from '../../dialects/quant/rowCodes.ts';
import { type Dim, modDim, productOf, stepsOf, subDim, type TensorType, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { overlapping } from '../loops.ts';
import { type KernelContext, type KernelPlan, withRelaxed } from '../plan.ts';
import { sumsOfLanes } from './row.ts';
import { lanesOfRows, type RowPlace, type RowReader, type RowTensor, readRows, rowWidth } from './storedRows.ts';

/** e^−64 beside the largest term, 1, is far below what single precision sees: see softmax. */
const negligible = -64;

/** One query: its indices of all axes but the last, where its row begins, and where its result and its biases do. */
interface Query {
  readonly at: RowPlace;
  readonly y: Value;
  readonly bias: Value;
  /** Σ of its elements, by segments of a key, where keys have lows. */
  readonly sums: readonly Value[];
}

/**
 * Attention with an online softmax: a tile of keys at a time gives scores, which join the maximum, the sum and the
 * weighted values so far; these are scaled down where the maximum rises. No row of scores is ever kept, and of keys and
 * values stored as codes only a tile at a time becomes floats. SIMT: an invocation for each query.
 * Source: Milakov and Gimelshein, Online normalizer calculation for softmax (2018); Dao et al., FlashAttention (2022).
 */
export function attention(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const named = (name: string): Value | undefined => {
    const v = root.operands[Object.keys(root.definition.operands).indexOf(name)];
    return v && cluster.outside(v);
  };
  const rowsOf = (name: string): RowTensor => ({
    codes: named(name) as Value,
    scale: named(`${name}_scale`),
    low: named(`${name}_low`),
  });
  const [query, key, value] = ['query', 'key', 'value'].map(rowsOf) as [RowTensor, RowTensor, RowTensor];
  const bias = named('bias');
  const { scale, zeros = false } = root.attributes as { scale: number; zeros?: boolean };
  const { shape } = tensorType(query.codes);
  const batch = shape.slice(0, -3);
  const [heads, queries] = shape.slice(-3) as [number, Dim];
  const [groups, keys] = tensorType(key.codes).shape.slice(-3) as [number, Dim];
  const times = heads / groups;
  const isSimt = context.target.family === 'simt';
  const lanes = isSimt ? 1 : lanesOfRows([query, key, value], lanesFor(context.target, 4));
  const all = [query, key, value].flatMap(({ codes, scale: s, low }) => [codes, s, low]);

  const build = (k: KernelBuilder): void => {
    const [q, rows, values] = [
      readRows(k, context, 'query', query),
      readRows(k, context, 'key', key),
      readRows(k, context, 'value', value),
    ];
    const offsets = bias && context.input(k, 'bias', bias);
    const y = context.output(k, cluster.result);
    const biasSteps = bias ? broadcastSteps(tensorType(bias), shape.length) : [];
    const along = biasSteps.at(-1) ?? 0;
    const width = rowWidth(value);

    /** Queries that share keys, side by side. */
    const attend = (before: readonly Value[], indices: readonly (readonly Value[])[]): void => {
      const tile = indices.map((index): Query => {
        const at = q.at(index);
        const steps = (by: readonly Dim[]) =>
          index.reduce((sum, i, axis) => k.add(sum, k.mul(i, k.index(by[axis] ?? 0))), k.index(0));
        const place = steps(stepsOf(tensorType(cluster.result)));
        k.loop(0, width, lanes, (e) => k.store(k.repeated(0, 'f32', lanes), y, k.add(place, e)));
        const sums = rows.low ? rows.segments.map((s) => sumOfQuery(k, q, at, s, lanes)) : [];
        return { at, y: place, bias: steps(biasSteps), sums };
      });
      /** Joins `count` keys from the n-th on to the maximum and the sum of each query. */
      const join = (n: Value, count: number, state: readonly Value[]): Value[] => {
        const at = Array.from({ length: count }, (_, t) => k.add(n, k.index(t)));
        const keysAt = at.map((i) => rows.at([...before, i]));
        const valuesAt = at.map((i) => values.at([...before, i]));
        const next: Value[] = [];
        const products = dots(k, q, rows, tile, keysAt, lanes);
        const joined = tile.map((one, r) => {
          const scores = products[r] as readonly Value[];
          const chunks = (isSimt ? scores : [k.concat(scores)]).map((sums, c) => {
            const scaled = scale === 1 ? sums : k.mul(sums, k.constant(Math.fround(scale), 'f32', sums));
            if (!offsets) return scaled;
            const from = k.add(one.bias, k.mul(k.add(n, k.index(c)), k.index(along)));
            const many = isSimt ? 1 : count;
            return k.add(scaled, along === 0 ? k.splat(k.load(offsets, from), many) : k.load(offsets, from, many));
          });
          const [before, total] = state.slice(2 * r, 2 * r + 2) as [Value, Value];
          const most = chunks.reduce((max, chunk) => k.max(max, k.reduce('max', chunk)), before);
          // where nothing may be seen yet, differences from −∞ would be no numbers
          const none = k.cmp('eq', most, k.constant(-Infinity, 'f32'));
          const top = k.select(none, k.constant(0, 'f32'), most);
          const terms = chunks.map((chunk) => exponential(k, k.sub(chunk, k.splat(top, lanesOf(chunk)))));
          const decay = exponential(k, k.sub(before, top));
          const sum = terms.reduce((s, term) => k.add(s, k.reduce('add', term)), k.mul(total, decay));
          next.push(most, sum);
          return { decay, weights: terms.flatMap((term) => lanesApart(k, term)) };
        });
        addValues(k, values, tile, joined, valuesAt, { y, lanes });
        return next;
      };
      let state: readonly Value[] = tile.flatMap(() => [k.constant(-Infinity, 'f32'), k.constant(0, 'f32')]);
      const many = tile.length === 1 && !isSimt ? 8 : 4;
      const whole = subDim(keys, modDim(keys, many));
      state = k.for(0, whole, many, state, (n, carried) => join(n, many, carried));
      state = k.for(whole, keys, 1, state, (n, carried) => join(n, 1, carried));
      tile.forEach(({ y: place }, r) => {
        const sum = state[2 * r + 1] as Value;
        // nothing was seen: the quotient of zeros is no number, as it is without a tile
        const none = k.cmp('eq', sum, k.constant(0, 'f32'));
        const divisor = zeros ? k.select(none, k.constant(1, 'f32'), sum) : sum;
        k.loop(0, width, lanes, (e) => {
          const at = k.add(place, e);
          k.store(k.div(k.load(y, at, lanes), k.splat(divisor, lanes)), y, at);
        });
      });
    };

    const headOf = (group: Value, i: Value) => k.add(k.scaled(group, times), i);
    if (isSimt) {
      k.parallel([...batch, groups, times, queries], (index) => {
        const [group, i, m] = index.slice(-3) as [Value, Value, Value];
        const outer = index.slice(0, -3);
        attend([...outer, group], [[...outer, headOf(group, i), m]]);
      });
      return;
    }
    // two queries share what is read of keys and values
    const inPairs = (count: Dim, visit: (from: readonly Value[]) => void) =>
      overlapping(k, count, 2, (begin, live) =>
        visit(Array.from({ length: live }, (_, i) => k.add(begin, k.index(i)))),
      );
    k.parallel([...batch, groups], (index) => {
      const group = index.at(-1) as Value;
      const outer = index.slice(0, -1);
      if (queries === 1) {
        inPairs(times, (some) =>
          attend(
            index,
            some.map((i) => [...outer, headOf(group, i), k.index(0)]),
          ),
        );
        return;
      }
      k.loop(0, times, 1, (i) => {
        inPairs(queries, (some) =>
          attend(
            index,
            some.map((m) => [...outer, headOf(group, i), m]),
          ),
        );
      });
    });
  };
  const dims = [...batch, heads, queries, keys];
  return {
    operands: [...all, bias].filter((v) => v !== undefined),
    multiplyAdds: productOf([...dims, rowWidth(key) + rowWidth(value)]),
    variants: withRelaxed(context.target, build),
  };
}

/** Steps along the axes of a result of some rank; 0 along those that a tensor is broadcast over. */
function broadcastSteps(type: TensorType, rank: number): Dim[] {
  const steps = stepsOf(type).map((step, axis) => (type.shape[axis] === 1 ? 0 : step));
  return [...new Array<Dim>(rank - steps.length).fill(0), ...steps];
}

/** e^x for x ≤ 0, and 0 where it is negligible. */
function exponential(k: KernelBuilder, x: Value): Value {
  const far = k.cmp('lt', x, k.constant(negligible, 'f32', x));
  return k.select(far, k.constant(0, 'f32', x), expF32(k, x));
}

const lanesApart = (k: KernelBuilder, x: Value): Value[] =>
  Array.from({ length: lanesOf(x) }, (_, lane) => k.slice(x, lane, 1));

/** Visits `length` neighbours, `lanes` at a time, four vectors a turn where there are many. */
function overVectors(
  k: KernelBuilder,
  length: number,
  lanes: number,
  carried: readonly Value[],
  body: (i: Value, carried: readonly Value[]) => readonly Value[],
): readonly Value[] {
  const turns = [4, 2, 1].find((n) => length % (n * lanes) === 0) as number;
  return k.for(0, length, turns * lanes, carried, (from, before) =>
    Array.from({ length: turns }).reduce<readonly Value[]>(
      (now, _, turn) => body(k.add(from, k.index(turn * lanes)), now),
      before,
    ),
  );
}

/** Σ of the elements of a query beside a segment of the keys. */
function sumOfQuery(k: KernelBuilder, q: RowReader, at: RowPlace, { from, length }: RowSegment, lanes: number): Value {
  const [row] = q.segments as [RowSegment];
  const zero = k.repeated(0, 'f32', lanes);
  const [sum] = overVectors(k, length, lanes, [zero], (i, [before]) => [
    k.add(before as Value, q.load(at, row, k.add(k.index(from), i), lanes)),
  ]);
  return k.reduce('add', sum as Value);
}

/** The products of queries and keys: for each query a vector of one for each key, or one by one. */
function dots(
  k: KernelBuilder,
  q: RowReader,
  rows: RowReader,
  tile: readonly Query[],
  keys: readonly RowPlace[],
  lanes: number,
): (readonly Value[])[] {
  const [row] = q.segments as [RowSegment];
  const zero = k.repeated(0, 'f32', lanes);
  const cells = tile.flatMap((one, r) => keys.map((key, t) => ({ one, key, cell: r * keys.length + t })));
  let totals: readonly Value[] = cells.map(() => zero);
  for (const segment of rows.segments) {
    const { scale } = rows;
    const begun = scale ? cells.map(() => zero) : totals;
    const sums = overVectors(k, segment.length, lanes, begun, (i, before) => {
      const parts = keys.map((key) => rows.load(key, segment, i, lanes));
      return tile.flatMap((one, r) => {
        const x = q.load(one.at, row, k.add(k.index(segment.from), i), lanes);
        return parts.map((part, t) => k.mulAdd(x, part, before[r * keys.length + t] as Value));
      });
    });
    const factors = scale && keys.map((key) => k.splat(scale(key, segment), lanes));
    totals = factors
      ? cells.map(({ cell }) =>
          k.mulAdd(sums[cell] as Value, factors[cell % keys.length] as Value, totals[cell] as Value),
        )
      : sums;
  }
  return tile.map((one, r) => {
    const scores = sumsOfLanes(k, totals.slice(r * keys.length, (r + 1) * keys.length));
    const { low } = rows;
    if (!low) return scores;
    const apart = scores.flatMap((score) => lanesApart(k, score));
    return apart.map((score, t) =>
      rows.segments.reduce(
        (sum, segment, s) => k.mulAdd(one.sums[s] as Value, low(keys[t] as RowPlace, segment), sum),
        score,
      ),
    );
  });
}

/** Results so far, scaled down, and the values of a tile of keys by their weights. */
function addValues(
  k: KernelBuilder,
  values: RowReader,
  tile: readonly Query[],
  joined: readonly { readonly decay: Value; readonly weights: readonly Value[] }[],
  places: readonly RowPlace[],
  { y, lanes }: { readonly y: Value; readonly lanes: number },
): void {
  const { scale, low } = values;
  for (const segment of values.segments) {
    const factors = scale && places.map((place) => scale(place, segment));
    const spread = joined.map(({ decay, weights }) => ({
      decay: k.splat(decay, lanes),
      weights: weights.map((weight, t) => k.splat(factors ? k.mul(weight, factors[t] as Value) : weight, lanes)),
      low:
        low &&
        k.splat(
          places.map((place, t) => k.mul(weights[t] as Value, low(place, segment))).reduce((a, b) => k.add(a, b)),
          lanes,
        ),
    }));
    overVectors(k, segment.length, lanes, [], (i) => {
      const parts = places.map((place) => values.load(place, segment, i, lanes));
      spread.forEach((one, r) => {
        const at = k.add((tile[r] as Query).y, k.add(k.index(segment.from), i));
        const before = k.mul(k.load(y, at, lanes), one.decay);
        const begun = one.low ? k.add(before, one.low) : before;
        const sum = parts.reduce((s, part, t) => k.mulAdd(part, one.weights[t] as Value, s), begun);
        k.store(sum, y, at);
      });
      return [];
    });
  }
}
