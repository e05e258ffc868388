import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDim, bindDim, type Dim, type DimFunction, maxDim, minDim, symbol } from '../../src/ir/index.ts';

const names = ['a', 'b', 'c'];
const leaf = fc.oneof(fc.constantFrom(...names).map(symbol), fc.nat(9));
/** A dimension, and the same as a function of the symbols. */
type Sample = { readonly dim: Dim; readonly value: (of: ReadonlyMap<string, number>) => number };

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: 'small' },
    leaf.map((dim): Sample => ({ dim, value: (of) => bindDim(dim, of) as number })),
    fc.tuple(fc.constantFrom<DimFunction>('min', 'max'), tie('sample'), tie('sample')).map(
      ([fn, x, y]): Sample => ({
        dim: applyDim(fn, x.dim, y.dim),
        value: (of) => Math[fn as 'min' | 'max'](x.value(of), y.value(of)),
      }),
    ),
  ),
}));

describe('minima and maxima of dimensions', () => {
  it('mean what they say, whatever form they take', () => {
    fc.assert(
      fc.property(sample, fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), ({ dim, value }, sizes) => {
        const of = new Map(names.map((name, i) => [name, sizes[i] as number]));
        expect(bindDim(dim, of)).toBe(value(of));
      }),
    );
  });

  it('do not depend on the order, and do not grow by what says nothing new', () => {
    const [a, b] = [symbol('a'), symbol('b')];
    expect(maxDim(a, maxDim(b, a))).toBe(maxDim(b, a));
    expect(maxDim(a, minDim(a, b))).toBe(a);
    expect(minDim(maxDim(b, 1), b)).toBe(b);
    expect(maxDim(maxDim(a, 3), maxDim(5, b))).toBe(maxDim(maxDim(b, 5), a));
    let long: Dim = a;
    for (let i = 0; i < 100; i++) long = maxDim(long, minDim(b, long));
    expect(long).toBe(a);
  });
});
