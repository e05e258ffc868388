import { type Dim, productOf, type Value } from '../../src/ir/index.ts';
import { butterfly, type Complex } from '../../src/numerics/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';

/** nn.fft_stage: the points of each butterfly are read, transformed in registers, turned, and written. */
export function fftStage({ root, outside }: Cluster, context: KernelContext): KernelPlan {
  const x = outside(root.operand(0));
  const twiddles = root.operands[1] && outside(root.operands[1]);
  const shape = tensorType(x).shape;
  const [l, r, m] = shape.slice(-4) as [number, number, number, Dim];
  const size = m as number;
  const operands = twiddles ? [x, twiddles] : [x];
  return {
    operands,
    variants: [
      {
        feature: undefined,
        build(k) {
          const input = context.input(k, 'x', x);
          const turns = twiddles && context.input(k, 'twiddles', twiddles);
          const y = context.output(k, root.result);
          const pair = (from: Value, at: Value): Complex<Value> => {
            const place = k.scaled(at, 2);
            return [k.load(from, place), k.load(from, k.add(place, k.index(1)))];
          };
          const arithmetic = {
            add: (a: Value, b: Value) => k.add(a, b),
            sub: (a: Value, b: Value) => k.sub(a, b),
            scale: (a: Value, factor: number) => k.mul(a, k.constant(Math.fround(factor), 'f32')),
          };
          const turned = ([re, im]: Complex<Value>, [c, s]: Complex<Value>): Complex<Value> => [
            k.sub(k.mul(re, c), k.mul(im, s)),
            k.add(k.mul(re, s), k.mul(im, c)),
          ];
          k.parallel([productOf(shape.slice(0, -4)), l, size], (indices) => {
            const [line, g, i] = indices as [Value, Value, Value];
            const first = k.add(k.scaled(k.add(k.scaled(line, l), g), r * size), i);
            const points = Array.from({ length: r }, (_, j) => pair(input, k.add(first, k.index(j * size))));
            const to = k.add(k.add(k.scaled(line, r * l * size), k.scaled(g, size)), i);
            for (const [j, point] of butterfly(arithmetic, points, root.attributes.inverse === true).entries()) {
              const own = turns && j > 0 ? turned(point, pair(turns, k.add(i, k.index((j - 1) * size)))) : point;
              const place = k.scaled(k.add(to, k.index(j * l * size)), 2);
              k.store(own[0], y, place);
              k.store(own[1], y, k.add(place, k.index(1)));
            }
          });
        },
      },
    ],
  };
}
