import { defineOp, type TensorType, tensor } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { decodedRows, rowGroup } from './rowCodes.ts';

/** The type of what rows of codes stand for. @throws QcError */
export function rowsType(codes: TensorType, scale: TensorType, low: TensorType | undefined): TensorType {
  const stored = codes.shape.at(-1);
  const width = typeof stored === 'number' ? (low ? 2 : 1) * stored : 0;
  const right =
    codes.element === (low ? 'u8' : 'i8') &&
    width > 0 &&
    scale.shape.at(-1) === width / rowGroup(width) &&
    (low === undefined || low.shape.at(-1) === scale.shape.at(-1));
  if (!right) {
    throw new QcError({
      what: `rows of codes ${codes.key} with scales ${scale.key}${low ? ` and lows ${low.key}` : ''}`,
      why: 'codes are i8, or with lows two to a u8, and each group of a row has a scale',
    });
  }
  return tensor(codes.shape.with(-1, width), 'f32');
}

/** Rows (the last axis) of codes, as caches hold them. Of codes of 4 bits the first half of a row is in the lower bits. */
export const rowDcast = defineOp({
  name: 'quant.row_dcast',
  summary: 'Rows of codes as real numbers: code · scale + low, with a scale for each group of at most 32 of a row.',
  operands: { codes: 'required', scale: 'required', low: 'optional' },
  domain: 'codes',
  infer: ({ codes, scale, low }) => rowsType(codes, scale, low),
  evaluate: ({ codes, scale, low }) => decodedRows({ codes, scale, low }),
});
