import { QcError } from '../../support/diagnostics.ts';
import type { PackedField } from './model.ts';
import { readVarints } from './wire.ts';

/**
 * The little-endian bytes of a tensor that is stored in a typed field: `count` values of `bits` each.
 * Packed floats and doubles in one piece are a view; everything else is decoded.
 * @throws QcError when there are not exactly `count` values.
 */
export function packedBytes(
  field: PackedField | 'string_data',
  bits: number,
  count: number,
  pieces: readonly Uint8Array[],
  where: string,
  shape: readonly number[],
): Uint8Array {
  const stored = pieces.reduce((total, piece) => total + piece.length, 0);
  const wrongCount = (found: number | string) =>
    new QcError({
      what: `the tensor's data does not fit its shape [${shape.join(', ')}]`,
      where,
      why: `${count} values are needed in ${field} and ${found} are there`,
      help: 'export or download the model again',
    });
  if (field === 'float_data' || field === 'double_data') {
    if (stored !== (count * bits) / 8) throw wrongCount(stored / (bits / 8));
    return pieces.length === 1 && pieces[0] ? pieces[0] : concatenate(pieces, stored);
  }
  // A varint takes at least one byte: nothing is allocated for values that cannot be there.
  if (count > stored) throw wrongCount(`at most ${stored}`);
  const bytes = new Uint8Array((count * bits) / 8);
  const view = new DataView(bytes.buffer);
  let outOfRange: bigint | undefined;
  const found = readVarints(pieces, (index, value) => {
    if (index >= count) return;
    if (!fits(value, bits)) outOfRange ??= value;
    if (bits === 8) view.setUint8(index, Number(BigInt.asUintN(8, value)));
    else if (bits === 16) view.setUint16(index * 2, Number(BigInt.asUintN(16, value)), true);
    else if (bits === 32) view.setUint32(index * 4, Number(BigInt.asUintN(32, value)), true);
    else view.setBigInt64(index * 8, value, true);
  });
  if (found !== count) throw wrongCount(found ?? 'damaged ones');
  if (outOfRange !== undefined) {
    throw new QcError({
      what: `the tensor's value ${outOfRange} does not fit into ${bits} bits`,
      where,
      help: 'export the model again',
    });
  }
  return bytes;
}

/** Whether a value is representable in `bits` bits, read as signed or as unsigned. */
function fits(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value || BigInt.asUintN(bits, value) === value || bits === 64;
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
