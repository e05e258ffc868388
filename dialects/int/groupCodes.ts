import { attr, type Dim, defineOp, tensor } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** Where the codes of a group begin and end in a row of padded groups. */
export function groupShape(inputs: number, group: number, align: number): { groups: number; padded: number } {
  return { groups: Math.ceil(inputs / group), padded: Math.ceil(group / align) * align };
}

/** Rows of codes in padded groups, and the sum of the codes of every group. */
export function inGroups(
  source: ArrayLike<number | bigint>,
  [rows, inputs]: readonly [number, number],
  group: number,
  align: number,
): { codes: Int8Array; sums: Int32Array } {
  const { groups, padded } = groupShape(inputs, group, align);
  const codes = new Int8Array(rows * groups * padded);
  const sums = new Int32Array(rows * groups);
  for (let i = 0; i < rows * inputs; i++) {
    const [row, k] = [Math.floor(i / inputs), i % inputs];
    const at = row * groups + Math.floor(k / group);
    const code = source[i] as number;
    codes[at * padded + (k % group)] = code;
    sums[at] = (sums[at] as number) + code;
  }
  return { codes, sums };
}

/** Codes of rows in groups, as products with weights in groups read them, and the sum of the codes of every group. */
export const groupCodes = defineOp({
  name: 'int.group_codes',
  summary:
    'Codes of the last axis in groups of `group`, each padded with code 0 to a multiple of `align`, and the sum of the codes of every group.',
  operands: { x: 'required' },
  attributes: { group: attr.int(), align: attr.int(1) },
  results: ['codes', 'sums'],
  domain: 'codes',
  infer({ x }, { group, align }) {
    const inputs = x.shape.at(-1);
    if (typeof inputs !== 'number') {
      throw new QcError({
        what: 'the last axis of codes in groups has an open size',
        help: 'bind it with --dim',
      });
    }
    const { groups, padded } = groupShape(inputs, group, align);
    const rows: readonly Dim[] = x.shape.slice(0, -1);
    return [tensor([...rows, groups * padded], 'i8'), tensor([...rows, groups], 'i32')];
  },
  evaluate({ x }, { group, align }): HostTensor[] {
    const inputs = x.shape.at(-1) as number;
    const { groups, padded } = groupShape(inputs, group, align);
    const shape = x.shape.slice(0, -1);
    const rows = shape.reduce((n, d) => n * d, 1);
    const { codes, sums } = inGroups(x.data, [rows, inputs], group, align);
    return [
      { dtype: 'i8', shape: [...shape, groups * padded], data: codes },
      { dtype: 'i32', shape: [...shape, groups], data: sums },
    ];
  },
  lower: { kind: 'template', template: 'group_codes' },
});
