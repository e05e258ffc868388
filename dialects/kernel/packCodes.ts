import { attr, defineOp } from '../../src/ir/index.ts';
import { type PanelSpec, packCodes as pack, panelLayout } from '../../src/numerics/index.ts';

/** The codes of a matrix [inputs, outputs] in panels of bit planes, as the kernels of grouped weights read them. */
export const packCodes = defineOp({
  name: 'kernel.pack_codes',
  summary:
    'Codes [inputs, outputs], plus `offset`, in panels of `width` outputs, for each group of `group` inputs; planes of `planes` bits whose vectors hold `columns` outputs by `depth` neighbouring inputs. `outputs` says which are packed, in this order; left out: all.',
  operands: { x: 'required' },
  attributes: {
    group: attr.int(),
    planes: attr.ints(),
    width: attr.int(),
    columns: attr.int(),
    depth: attr.int(),
    offset: attr.int(0),
    outputs: attr.ints.optional(),
  },
  domain: 'codes',
  typing: 'declared',
  evaluate({ x }, { group, planes, width, columns, depth, offset, outputs: chosen }) {
    const [inputs, outputs] = x.shape as [number, number];
    const groups = Math.ceil(inputs / group);
    const spec: PanelSpec = {
      columns: chosen?.length ?? outputs,
      groups,
      depth: group,
      planes,
      width,
      vectorColumns: columns,
      vectorDepth: depth,
    };
    const codes = x.data as Int8Array;
    const data = pack(panelLayout(spec), ([column, g, k]) => {
      const row = (g as number) * group + (k as number);
      const output = chosen?.[column as number] ?? (column as number);
      return row < inputs ? (codes[row * outputs + output] as number) + offset : undefined;
    });
    return { dtype: 'u8', shape: [data.length], data };
  },
});
