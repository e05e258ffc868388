import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as int from '../../dialects/int/index.ts';
import * as quant from '../../dialects/quant/index.ts';
import { affine, type OpDefinition, type TensorType, tensor } from '../../src/ir/index.ts';
import type { DType, HostTensor, TypedArray } from '../../src/support/tensor.ts';

/** Runs an op's reference meaning on stored operands. */
function run(
  op: OpDefinition,
  operands: (HostTensor | undefined)[],
  attributes: Record<string, number | boolean | readonly number[]>,
  type: TensorType,
): number[] {
  const evaluate = op.evaluate as NonNullable<OpDefinition['evaluate']>;
  const [y] = evaluate(operands, attributes, { results: [type], regions: [] }) as [HostTensor];
  expect(y.shape).toEqual(type.shape);
  return Array.from(y.data as Int32Array);
}

const arrays: Partial<Record<DType, new (values: number[]) => TypedArray>> = {
  i8: Int8Array,
  u8: Uint8Array,
  i32: Int32Array,
  f32: Float32Array,
};

function host(dtype: 'i8' | 'u8' | 'i32' | 'f32', shape: number[], values: number[]): HostTensor {
  return { dtype, shape, data: new (arrays[dtype] as new (v: number[]) => TypedArray)(values) };
}

const code = fc.integer({ min: -128, max: 127 });
const weight = fc.integer({ min: -127, max: 127 });
const i32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, 1, -1),
  fc.integer({ min: -1000, max: 1000 }),
);
const list = (item: fc.Arbitrary<number>, length: number) => fc.array(item, { minLength: length, maxLength: length });

/** clamp(((acc·m + 2^(s−1)) >> s) + z, min, max) in arbitrary precision. */
function requantized(acc: number, m: number, s: number, z: number, min: number, max: number): number {
  const y = ((BigInt(acc) * BigInt(m) + (1n << BigInt(s - 1))) >> BigInt(s)) + BigInt(z);
  return Number(y < BigInt(min) ? BigInt(min) : y > BigInt(max) ? BigInt(max) : y);
}

describe('int ops against arbitrary precision', () => {
  it('int.conv: padding counts as the zero point, groups and strides as in nn.conv', () => {
    const property = fc.property(
      list(code, 2 * 4 * 5 * 4),
      list(weight, 6 * 2 * 9),
      list(i32, 6),
      code,
      (x, w, b, z) => {
        const bias = b.map((v) => v >> 2);
        const y = run(
          int.conv,
          [host('i8', [2, 4, 5, 4], x), host('i8', [6, 2, 3, 3], w), host('i32', [6], bias)],
          { strides: [2, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 2, zero_point: z },
          tensor([2, 6, 3, 4], 'i32'),
        );
        let i = 0;
        for (let n = 0; n < 2; n++)
          for (let o = 0; o < 6; o++)
            for (let r = 0; r < 3; r++)
              for (let c = 0; c < 4; c++) {
                let sum = BigInt(bias[o] as number);
                for (let k = 0; k < 2 * 9; k++) {
                  const [ci, kr, kc] = [Math.floor(k / 9), Math.floor((k % 9) / 3), k % 3];
                  const [row, column] = [r * 2 + kr - 1, c + kc - 1];
                  if (row < 0 || row >= 5 || column < 0 || column >= 4) continue;
                  const channel = Math.floor(o / 3) * 2 + ci;
                  sum +=
                    BigInt((x[((n * 4 + channel) * 5 + row) * 4 + column] as number) - z) *
                    BigInt(w[o * 18 + k] as number);
                }
                expect(y[i++]).toBe(Number(sum));
              }
      },
    );
    fc.assert(property, { numRuns: 20 });
  });

  it('int.matmul: batches broadcast, both zero points', () => {
    const property = fc.property(
      list(code, 2 * 2 * 3),
      list(code, 3 * 2),
      list(i32, 2),
      code,
      code,
      (a, b, bias, za, zb) => {
        const half = bias.map((v) => v >> 1);
        const operands = [host('i8', [2, 2, 3], a), host('i8', [3, 2], b), host('i32', [2], half)];
        const y = run(int.matmul, operands, { zero_point_a: za, zero_point_b: zb }, tensor([2, 2, 2], 'i32'));
        for (let i = 0; i < 8; i++) {
          const [row, column] = [Math.floor(i / 2), i % 2];
          let sum = BigInt(half[column] as number);
          for (let k = 0; k < 3; k++)
            sum += BigInt((a[row * 3 + k] as number) - za) * BigInt((b[k * 2 + column] as number) - zb);
          expect(y[i]).toBe(Number(sum));
        }
      },
    );
    fc.assert(property);
  });

  it('int.requantize: multiplier and shift a channel', () => {
    const multiplier = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const shift = fc.integer({ min: 2, max: 62 });
    fc.assert(
      fc.property(list(i32, 6), list(multiplier, 2), list(shift, 2), code, (acc, m, s, z) => {
        const operands = [host('i32', [1, 2, 3], acc), host('i32', [2, 1], m), host('i32', [2, 1], s)];
        const y = run(int.requantize, operands, { zero_point: z, min: -100, max: 120 }, tensor([1, 2, 3], 'i8'));
        const expected = acc.map((v, i) => {
          const c = Math.floor(i / 3);
          return requantized(v, m[c] as number, s[c] as number, z, -100, 120);
        });
        expect(y).toEqual(expected);
      }),
    );
  });

  it('int.add: operands broadcast, one rounding', () => {
    const factor = fc.integer({ min: -(2 ** 21) + 1, max: 2 ** 21 - 1 });
    fc.assert(
      fc.property(
        list(code, 4),
        list(code, 2),
        list(factor, 2),
        fc.integer({ min: 1, max: 30 }),
        list(code, 3),
        (a, b, m, s, z) => {
          const [za, zb, zy] = z as [number, number, number];
          const [ma, mb] = m as [number, number];
          const attributes = { multipliers: m, shift: s, zero_points: [za, zb], zero_point: zy, min: -128, max: 127 };
          const y = run(int.add, [host('i8', [2, 2], a), host('i8', [2, 1], b)], attributes, tensor([2, 2], 'i8'));
          const expected = a.map((v, i) => {
            const sum = (v - za) * ma + ((b[Math.floor(i / 2)] as number) - zb) * mb;
            return requantized(sum, 1, s, zy, -128, 127);
          });
          expect(y).toEqual(expected);
        },
      ),
    );
  });

  it('int.angle: products wrap as parts of a turn do', () => {
    fc.assert(
      fc.property(list(i32, 4), list(i32, 2), code, (x, steps, z) => {
        const operands = [host('i32', [2, 2], x), host('i32', [2], steps)];
        const y = run(int.angle, operands, { zero_point: z }, tensor([2, 2], 'i16'));
        const expected = x.map((v, i) => {
          const turned = (BigInt(v) - BigInt(z)) * BigInt(steps[i % 2] as number) + 2n ** 15n;
          return Number(BigInt.asIntN(32, turned) >> 16n);
        });
        expect(y).toEqual(expected);
      }),
    );
  });

  it('int.mul, int.reduce_sum and int.pool_sum', () => {
    fc.assert(
      fc.property(list(code, 12), list(code, 4), code, code, (x, b, zx, zb) => {
        const operands = [host('i8', [1, 1, 3, 4], x), host('i8', [4], b)];
        const product = run(int.mul, operands, { zero_point_a: zx, zero_point_b: zb }, tensor([1, 1, 3, 4], 'i32'));
        expect(product).toEqual(x.map((v, i) => (v - zx) * ((b[i % 4] as number) - zb) + 0));
        const mean = { axes: [-1], keepdims: false, zero_point: zx };
        const rows = run(int.reduceSum, [operands[0]], mean, tensor([1, 1, 3], 'i32'));
        expect(rows).toEqual([0, 4, 8].map((at) => x.slice(at, at + 4).reduce((sum, v) => sum + v - zx, 0)));
        const window = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 1, 0], zero_point: zx };
        const pooled = run(int.poolSum, [operands[0]], window, tensor([1, 1, 2, 2], 'i32'));
        const cells = [
          [0, 1, 4, 5],
          [2, 3, 6, 7],
          [8, 9],
          [10, 11],
        ];
        expect(pooled).toEqual(cells.map((at) => at.reduce((sum, i) => sum + (x[i] as number) - zx, 0)));
      }),
    );
  });

  it('int.table is indexed from the smallest code', () => {
    const entries = host(
      'i8',
      [256],
      Array.from({ length: 256 }, (_, i) => 127 - i),
    );
    expect(run(int.table, [host('i8', [3], [-128, 0, 127]), entries], {}, tensor([3], 'i8'))).toEqual([127, -1, -128]);
    expect(run(int.table, [host('u8', [3], [0, 128, 255]), entries], {}, tensor([3], 'i8'))).toEqual([127, -1, -128]);
  });
});

describe('borders', () => {
  it('quant.qcast rounds ties to even, saturates, and sends NaN to the zero point', () => {
    const x = host('f32', [7], [0.25, 0.75, -0.25, 1e30, Number.NEGATIVE_INFINITY, Number.NaN, 0]);
    expect(run(quant.qcast, [x], {}, tensor([7], affine('i8', 0.5, 3)))).toEqual([3, 5, 3, 127, -128, 3, 3]);
  });

  it('quant.scast keeps the codes', () => {
    const x = host('i8', [2], [-128, 127]);
    expect(run(quant.scast, [x], {}, tensor([2], affine('i8', 0.5)))).toEqual([-128, 127]);
  });
});
