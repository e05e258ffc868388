import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { count } from './places.ts';

/** The row from `column` on that has the largest number in this column. */
function pivotRow(k: KernelBuilder, a: Value, n: number, column: Value): Value {
  const size = (row: Value) => k.abs(k.load(a, k.add(k.scaled(row, n), column)));
  const [, row] = k.for(k.add(column, k.index(1)), n, 1, [size(column), column], (i, [best, at]) => {
    const own = size(i);
    const larger = k.cmp('gt', own, best as Value);
    return [k.select(larger, own, best as Value), k.select(larger, i, at as Value)];
  });
  return row as Value;
}

/** Exchanges two rows. */
function swapRows(k: KernelBuilder, a: Value, n: number, p: Value, q: Value): void {
  k.loop(0, n, 1, (i) => {
    const [at, other] = [k.add(k.scaled(p, n), i), k.add(k.scaled(q, n), i)];
    const [u, v] = [k.load(a, at), k.load(a, other)];
    k.store(v, a, at);
    k.store(u, a, other);
  });
}

/** Determinants by elimination with the largest pivot of each column. */
export function det({ root }: Cluster, context: KernelContext): KernelPlan {
  const x = root.operand(0);
  const shape = staticShape(tensorType(x));
  const n = shape.at(-1) as number;
  return {
    operands: [x],
    scratch: [tensor([n, n], 'f32')],
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const y = context.output(k, root.result);
          const a = k.buffer('matrix', 'f32', 'output');
          const [zero, one] = [k.constant(0, 'f32'), k.constant(1, 'f32')];
          k.loop(0, count(shape.slice(0, -2)), 1, (matrix) => {
            k.loop(0, n * n, 1, (i) => k.store(k.load(input, k.add(k.scaled(matrix, n * n), i)), a, i));
            const [product] = k.for(0, n, 1, [one], (column, [sofar]) => {
              const row = pivotRow(k, a, n, column);
              const signed = k.select(k.cmp('eq', row, column), sofar as Value, k.neg(sofar as Value));
              swapRows(k, a, n, row, column);
              const pivot = k.load(a, k.scaled(column, n + 1));
              const singular = k.cmp('eq', pivot, zero);
              k.loop(k.add(column, k.index(1)), n, 1, (below) => {
                const head = k.load(a, k.add(k.scaled(below, n), column));
                const factor = k.select(singular, zero, k.div(head, pivot));
                k.loop(column, n, 1, (i) => {
                  const [to, from] = [k.add(k.scaled(below, n), i), k.add(k.scaled(column, n), i)];
                  k.store(k.sub(k.load(a, to), k.mul(factor, k.load(a, from))), a, to);
                });
              });
              return [k.mul(signed, pivot)];
            });
            k.store(product as Value, y, matrix);
          });
        },
      },
    ],
  };
}
