import { attr, type Dim, defineOp, tensor } from '../../src/ir/index.ts';
import { chooseDynamicParams, chooseDynamicSymmetric, quantizeF32 } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { groupShape, inGroups } from '../int/groupCodes.ts';

/**
 * Codes of activations whose range is found when they are there: one scale and zero point a row of the last axis.
 * Every group of the row is padded with code 0 to a multiple of `align`, and comes with the sum of its codes.
 */
export const dynamicQcast = defineOp({
  name: 'quant.dynamic_qcast',
  summary:
    'S and z of each row as docs/numeric-contract.md chooses them at run time, codes clamp(half_even(fl32(x/S)) + z), and the sum of the codes of every group.',
  operands: { x: 'required' },
  attributes: { group: attr.int(), align: attr.int(1), symmetric: attr.bool(false) },
  results: ['codes', 'scale', 'zero_point', 'sums'],
  domain: 'codes',
  infer({ x }, { group, align }) {
    const inputs = x.shape.at(-1);
    if (typeof inputs !== 'number') {
      throw new QcError({
        what: 'the last axis of a quantized activation has an open size',
        help: 'bind it with --dim',
      });
    }
    const { groups, padded } = groupShape(inputs, group, align);
    const rows: readonly Dim[] = x.shape.slice(0, -1);
    return [
      tensor([...rows, groups * padded], 'i8'),
      tensor([...rows, 1], 'f32'),
      tensor([...rows, 1], 'i32'),
      tensor([...rows, groups], 'i32'),
    ];
  },
  evaluate({ x }, { group, align, symmetric }): HostTensor[] {
    const inputs = x.shape.at(-1) as number;
    const { groups, padded } = groupShape(inputs, group, align);
    const shape = x.shape.slice(0, -1);
    const rows = shape.reduce((n, d) => n * d, 1);
    const values = x.data as Float32Array;
    const plain = new Int8Array(rows * inputs);
    const [scales, zeroPoints] = [new Float32Array(rows), new Int32Array(rows)];
    for (let r = 0; r < rows; r++) {
      const row = values.subarray(r * inputs, (r + 1) * inputs);
      const [low, high] = rangeOf(row);
      const { scale, zeroPoint } = symmetric ? chooseDynamicSymmetric(low, high) : chooseDynamicParams(low, high);
      scales[r] = scale;
      zeroPoints[r] = zeroPoint;
      for (let k = 0; k < inputs; k++) {
        plain[r * inputs + k] = quantizeF32(row[k] as number, scale, zeroPoint, -128, 127);
      }
    }
    const { codes, sums } = inGroups(plain, [rows, inputs], group, align);
    return [
      { dtype: 'i8', shape: [...shape, groups * padded], data: codes },
      { dtype: 'f32', shape: [...shape, 1], data: scales },
      { dtype: 'i32', shape: [...shape, 1], data: zeroPoints },
      { dtype: 'i32', shape: [...shape, groups], data: sums },
    ];
  },
  lower: { kind: 'template', template: 'dynamic_qcast' },
});

function rangeOf(row: Float32Array): [low: number, high: number] {
  let [low, high] = [0, 0];
  for (const x of row) {
    if (!(x >= low)) low = x;
    if (!(x <= high)) high = x;
  }
  return [low, high];
}
