import { elementOf, type KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { foundSymbol, storeFound } from './found.ts';
import { foldOver } from './nest.ts';
import { count, frontAxis } from './places.ts';

/** The slices that are compared: `size` of them, each `outer` rows of `inner` elements. */
interface Slices {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

function slicesOf(shape: readonly number[], axis: unknown): Slices {
  if (axis === undefined) return { outer: 1, size: count(shape), inner: 1 };
  const at = frontAxis(axis, shape.length);
  return { outer: count(shape.slice(0, at)), size: shape[at] as number, inner: count(shape.slice(at + 1)) };
}

const elementAt = (k: KernelBuilder, { size, inner }: Slices, slice: Value, row: Value, i: Value): Value =>
  k.add(k.scaled(k.add(k.scaled(row, size), slice), inner), i);

/** −1, 0 or 1: the order of two slices, element by element; a NaN is larger than any number. */
function compare(k: KernelBuilder, x: Value, slices: Slices, a: Value, b: Value): Value {
  const [less, same, more] = [-1, 0, 1].map((v) => k.index(v)) as [Value, Value, Value];
  const order = (p: Value, q: Value): Value => {
    const isReal = elementOf(p) === 'f32';
    const nan = (v: Value) => k.select(k.cmp('ne', v, v), more, same);
    const rest = isReal ? k.sub(nan(p), nan(q)) : same;
    return k.select(k.cmp('lt', p, q), less, k.select(k.cmp('gt', p, q), more, rest));
  };
  const { outer, inner } = slices;
  const [result] = foldOver(k, [outer, inner], [same], ([row, i], [known]) => {
    const [p, q] = [a, b].map((slice) => k.load(x, elementAt(k, slices, slice, row as Value, i as Value)));
    const next = order(p as Value, q as Value);
    return [k.select(k.cmp('eq', known as Value, same), next, known as Value)];
  });
  return result as Value;
}

/** Sorts the numbers of the slices in `order`, by merging runs of 1, 2, 4, …; gives where in it the result begins. */
function mergeSort(k: KernelBuilder, x: Value, slices: Slices, order: Value): number {
  const { size } = slices;
  k.loop(0, size, 1, (i) => k.store(k.convert(i, 'i32'), order, i));
  let from = 0;
  for (let width = 1; width < size; width *= 2) {
    const to = size - from;
    const at = (i: Value) => k.convert(k.load(order, k.add(i, k.index(from))), 'index');
    const within = (i: Value) => k.min(i, k.index(size - 1));
    // where the pair of runs begins, and the places in both
    k.for(0, size, 1, [k.index(0), k.index(0), k.index(Math.min(width, size))], (p, [base, left, right]) => {
      const isNext = k.cmp('eq', p, k.add(base as Value, k.index(2 * width)));
      const begin = k.select(isNext, p, base as Value);
      const middle = k.min(k.add(begin, k.index(width)), k.index(size));
      const [i, j] = [k.select(isNext, p, left as Value), k.select(isNext, middle, right as Value)];
      const end = k.min(k.add(begin, k.index(2 * width)), k.index(size));
      const [first, second] = [at(within(i)), at(within(j))];
      const inOrder = k.cmp('le', compare(k, x, slices, first, second), k.index(0));
      const takes = k.and(k.cmp('lt', i, middle), k.or(k.cmp('ge', j, end), inOrder));
      k.store(k.convert(k.select(takes, first, second), 'i32'), order, k.add(p, k.index(to)));
      const [one, none] = [k.index(1), k.index(0)];
      return [begin, k.add(i, k.select(takes, one, none)), k.add(j, k.select(takes, none, one))];
    });
    from = to;
  }
  return from;
}

/** nn.unique: the slices in order, of which equal ones are neighbours. */
export function unique({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const [values, first, inverse, counts] = root.results as [Value, Value, Value, Value];
  const slices = slicesOf(staticShape(tensorType(x)), root.attributes.axis);
  const { outer, size, inner } = slices;
  const isSorted = root.attributes.sorted !== false;
  const finds = foundSymbol(root);
  return {
    operands: [x],
    scratch: [tensor([2 * size], 'i32'), tensor([size], 'i32'), tensor([size], 'i32')],
    finds,
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const outputs = [values, first, inverse, counts].map((v, i) => context.output(k, v, `y${i}`));
          const [picked, firsts, numbers, amounts] = outputs as [Value, Value, Value, Value];
          const [order, heads, ranks] = ['order', 'heads', 'ranks'].map((name) => k.buffer(name, 'i32', 'output')) as [
            Value,
            Value,
            Value,
          ];
          const [one, none] = [k.index(1), k.index(0)];
          const read = (buffer: Value, i: Value) => k.convert(k.load(buffer, i), 'index');
          const write = (v: Value, buffer: Value, i: Value) => k.store(k.convert(v, elementOf(buffer)), buffer, i);
          const begin = mergeSort(k, input, slices, order);
          const sorted = (i: Value) => read(order, k.add(i, k.index(begin)));

          // the kind of each slice by order, and the first slice of each kind
          const [kinds] = k.for(0, size, 1, [none], (p, [known]) => {
            const own = sorted(p);
            const before = sorted(k.max(k.sub(p, one), none));
            const differs = k.cmp('ne', compare(k, input, slices, before, own), none);
            const isNew = k.or(k.cmp('eq', p, none), differs);
            const next = k.add(known as Value, k.select(isNew, one, none));
            const kind = k.sub(next, one);
            write(kind, numbers, own);
            k.if(isNew, () => write(own, heads, kind));
            return [next];
          });
          const kept = k.min(kinds as Value, k.index(context.most(finds)));

          // the number of each kind: by order, or by the place where it comes first
          if (isSorted) k.loop(0, kinds as Value, 1, (kind) => write(kind, ranks, kind));
          else {
            k.for(0, size, 1, [none], (i, [next]) => {
              const kind = read(numbers, i);
              const isFirst = k.cmp('eq', read(heads, kind), i);
              k.if(isFirst, () => write(next as Value, ranks, kind));
              return [k.add(next as Value, k.select(isFirst, one, none))];
            });
          }
          k.loop(0, kinds as Value, 1, (kind) => {
            const [rank, head] = [read(ranks, kind), read(heads, kind)];
            k.if(k.cmp('lt', rank, kept), () => {
              write(head, firsts, rank);
              write(none, amounts, rank);
              foldOver(k, [outer, inner], [], ([row, i]) => {
                const to = k.add(k.mul(k.add(k.mul(row as Value, kept), rank), k.index(inner)), i as Value);
                k.store(k.load(input, elementAt(k, slices, head, row as Value, i as Value)), picked, to);
                return [];
              });
            });
          });
          k.loop(0, size, 1, (i) => {
            const rank = read(ranks, read(numbers, i));
            write(rank, numbers, i);
            k.if(k.cmp('lt', rank, kept), () => write(k.add(read(amounts, rank), one), amounts, rank));
          });
          storeFound(k, kinds as Value);
        },
      },
    ],
  };
}
