import { QcError } from '../../support/diagnostics.ts';
import {
  bytesOfTensor,
  type DType,
  elementBytes,
  elementCount,
  type HostTensor,
  typedArrayOf,
  viewBytes,
} from '../../support/tensor.ts';

// NumPy's array file. Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

// NumPy type codes without the byte order, and the element types that they are.
const dtypes: Record<string, DType | undefined> = {
  f8: 'f64',
  f4: 'f32',
  f2: 'f16',
  i8: 'i64',
  u8: 'u64',
  i4: 'i32',
  u4: 'u32',
  i2: 'i16',
  u2: 'u16',
  i1: 'i8',
  u1: 'u8',
  b1: 'i1',
  c8: 'c64',
  c16: 'c128',
};

/**
 * Reads a `.npy` file of any version in C order. Little-endian data that is aligned stays a view of `bytes`.
 * `where` names the file in errors. @throws QcError for another format, element type, order or size.
 */
export function readNpy(bytes: Uint8Array, where: string): HostTensor {
  const fail = (what: string, why: string, help: string) => new QcError({ what, where, why, help });
  if (bytes.length < 10 || magic.some((byte, index) => bytes[index] !== byte)) {
    throw fail('this is not a NumPy array', 'a .npy file begins with \\x93NUMPY', 'write it with numpy.save');
  }
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) {
    throw fail(`NumPy file version ${version} is not known`, 'versions 1 to 3 exist', 'write it with numpy.save');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? 0 : view.getUint32(8, true);
  const dataStart = start + headerLength;
  if (dataStart > bytes.length) {
    throw fail('the NumPy array is truncated', 'its header is longer than the file', 'copy or write the file again');
  }
  const header = new TextDecoder().decode(bytes.subarray(start, dataStart));
  const { code, bigEndian, fortran, shape } = parseHeader(header, where);
  const dtype = dtypes[code];
  if (!dtype) {
    throw fail(
      `the array's type '${code}' is not a number type`,
      `qc reads ${Object.keys(dtypes).join(', ')}`,
      "convert it, for example with array.astype('float32')",
    );
  }
  if (fortran && shape.filter((dim) => dim !== 1).length > 1) {
    throw fail(
      'the array is stored in Fortran order',
      'qc reads C order, where the last index runs fastest',
      'write it with numpy.save(file, numpy.ascontiguousarray(array))',
    );
  }
  const size = elementCount(shape) * elementBytes(dtype);
  if (size !== bytes.length - dataStart) {
    throw fail(
      "the array's data does not fit its shape",
      `[${shape.join(', ')}] of ${dtype} takes ${size} bytes and the file holds ${bytes.length - dataStart}`,
      'copy or write the file again',
    );
  }
  const data = bytes.subarray(dataStart);
  const width = typedArrayOf(dtype).BYTES_PER_ELEMENT;
  return { dtype, shape, data: viewBytes(dtype, bigEndian && width > 1 ? swapped(data, width) : data) };
}

interface Header {
  readonly code: string;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** Reads the header, a Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
function parseHeader(header: string, where: string): Header {
  const descr = /'descr'\s*:\s*'([<>|=]?)([A-Za-z?]\d*)'/.exec(header);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header);
  if (!descr || !fortran || !shape) {
    throw new QcError({
      what: "the NumPy array's header cannot be read",
      where,
      why: `it says ${header.trim().slice(0, 200)}; records and Python objects are not numbers`,
      help: "convert it, for example with array.astype('float32')",
    });
  }
  const dims = (shape[1] ?? '').split(',').filter((dim) => dim.trim() !== '');
  return {
    code: descr[2] === '?' ? 'b1' : (descr[2] ?? ''),
    bigEndian: descr[1] === '>',
    fortran: fortran[1] === 'True',
    shape: dims.map((dim) => Number.parseInt(dim, 10)),
  };
}

/** A copy with the bytes of each element in reverse order. */
function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[i - (i % width) + width - 1 - (i % width)] ?? 0;
  return out;
}

/**
 * Writes a `.npy` file, version 1.0, little-endian, C order, its data aligned to 64 bytes.
 * @throws QcError for element types that NumPy does not have.
 */
export function writeNpy(tensor: HostTensor): Uint8Array {
  const code = Object.keys(dtypes).find((key) => dtypes[key] === tensor.dtype);
  if (!code) {
    throw new QcError({
      what: `NumPy has no element type for ${tensor.dtype}`,
      help: 'convert the tensor to a type of whole bytes first',
    });
  }
  const order = typedArrayOf(tensor.dtype).BYTES_PER_ELEMENT === 1 ? '|' : '<';
  const shape = tensor.shape.length === 1 ? `${tensor.shape[0]},` : tensor.shape.join(', ');
  const dictionary = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  const dataStart = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = `${dictionary.padEnd(dataStart - 11)}\n`;
  const data = bytesOfTensor(tensor);
  const bytes = new Uint8Array(dataStart + data.length);
  bytes.set(magic);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(data, dataStart);
  return bytes;
}
