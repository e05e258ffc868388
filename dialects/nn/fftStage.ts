import { attr, defineOp, expressed, tensor } from '../../src/ir/index.ts';
import { type Arithmetic, butterfly, type Complex } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { real, toF64 } from './elements.ts';

/**
 * One stage of a fast Fourier transform of n = l·r·m points, of which the stages before it have done l:
 *
 *     y[…, k, g, i] = w[k, i]·Σ_j x[…, g, j, i]·e^(∓2πi·jk/r),    w[k, i] = e^(∓2πi·ki/(r·m)), the operand `twiddles`
 *
 * Numbers are pairs of a real and an imaginary part, the last axis. f32 is rounded after each operation, as programs
 * do. Source: Swarztrauber, Vectorizing the FFTs (1982).
 */
export const fftStage = defineOp({
  name: 'nn.fft_stage',
  summary: 'One stage of a Fourier transform: butterflies over axis r of [l, r, m, 2], to [r, l, m, 2], turned.',
  operands: { x: 'required', twiddles: 'optional' },
  attributes: { inverse: attr.bool(false) },
  infer({ x, twiddles }) {
    const [l, r, m, parts] = x.shape.slice(-4);
    const expected = [Number(r) - 1, m, 2];
    if (x.shape.length < 4 || parts !== 2 || (twiddles && !twiddles.shape.every((d, i) => d === expected[i]))) {
      throw new QcError({
        what: `a stage of a Fourier transform on [${x.shape.join(', ')}]`,
        why: 'it takes […, groups, radix, points, 2], and factors [radix − 1, points, 2]',
      });
    }
    return tensor([...x.shape.slice(0, -4), r, l, m, parts] as typeof x.shape, expressed(x.element));
  },
  evaluate({ x, twiddles }, { inverse }): HostTensor {
    const [l, r, m] = x.shape.slice(-4) as [number, number, number, number];
    const lines = elementCount(x.shape.slice(0, -4));
    const a = x.dtype === 'f64' ? inDoubles : inSingles;
    const [from, turns] = [toF64(x), twiddles && toF64(twiddles)];
    const to = new Float64Array(from.length);
    for (let place = 0; place < lines * l * m; place++) {
      const [line, g, i] = [Math.floor(place / (l * m)), Math.floor(place / m) % l, place % m];
      const points = Array.from({ length: r }, (_, j) => pairAt(from, ((line * l + g) * r + j) * m + i));
      for (const [k, y] of butterfly(a, points, inverse).entries()) {
        const turned = turns && k > 0 ? times(a, y, pairAt(turns, (k - 1) * m + i)) : y;
        to.set(turned, 2 * (((line * r + k) * l + g) * m + i));
      }
    }
    return real([...x.shape.slice(0, -4), r, l, m, 2], to);
  },
  lower: { kind: 'template', template: 'fft_stage' },
});

const inDoubles: Arithmetic<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  scale: (a, factor) => a * factor,
};

const inSingles: Arithmetic<number> = {
  add: (a, b) => Math.fround(a + b),
  sub: (a, b) => Math.fround(a - b),
  scale: (a, factor) => Math.fround(a * Math.fround(factor)),
};

const pairAt = (values: Float64Array, at: number): Complex<number> => [
  values[2 * at] as number,
  values[2 * at + 1] as number,
];

function times(a: Arithmetic<number>, [re, im]: Complex<number>, [c, s]: Complex<number>): Complex<number> {
  return [a.sub(a.scale(re, c), a.scale(im, s)), a.add(a.scale(re, s), a.scale(im, c))];
}
