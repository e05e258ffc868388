import { add } from '../../../dialects/nn/binary.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { type OnnxMapping, type OnnxNode, quantParams, quantType, tensor, type Value } from '../../ir/index.ts';
import { decodeBf16, decodeF16 } from '../../numerics/index.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { castTo, elementOf } from './linear.ts';

/** The weights of a MatMulNBits as constants: B is [N, blocks, bytes], codes packed from the lowest bits on. */
interface Packed {
  readonly columns: number;
  readonly depth: number;
  readonly bits: 2 | 4 | 8;
  readonly blockSize: number;
  readonly blocks: number;
  readonly bytes: Uint8Array;
  /** [N, blocks]. */
  readonly scales: readonly number[];
  /** [N, blocks], as codes or as real numbers. */
  readonly zeroPoints: readonly number[];
}

const storages = { 2: 'u2', 4: 'u4', 8: 'u8' } as const;

function realsOf({ dtype, data }: HostTensor): number[] {
  const numbers = Array.from(data as Float32Array);
  return dtype === 'f16' ? numbers.map(decodeF16) : dtype === 'bf16' ? numbers.map(decodeBf16) : numbers;
}

function constantAt(node: OnnxNode, i: number): HostTensor {
  return node.constant(i) ?? node.refuse(`input ${i} depends on data`, 'the weights must be constants');
}

function readPacked(node: OnnxNode): Packed {
  const [columns, depth, bits] = [node.int('N'), node.int('K'), node.int('bits', 4)];
  const blockSize = node.int('block_size');
  if (bits !== 2 && bits !== 4 && bits !== 8) return node.refuse(`bits = ${bits}`, '2, 4 and 8 are supported');
  if (node.int('weight_prepacked', 0) !== 0) return node.refuse('weights that are packed for one processor');
  // How exact a kernel of onnxruntime is to be: here the meaning is exact.
  node.int('accuracy_level', 0);
  if (columns < 1 || depth < 1 || blockSize < 1) return node.refuse(`N = ${columns}, K = ${depth}`);
  const blocks = Math.ceil(depth / blockSize);
  const bytes = constantAt(node, 1).data;
  const scales = realsOf(constantAt(node, 2));
  const zeros = node.optionalInput(3) && constantAt(node, 3);
  if (!(bytes instanceof Uint8Array) || bytes.length !== (columns * blocks * blockSize * bits) / 8) {
    return node.refuse(`weights of ${bytes.length} elements for N = ${columns}, K = ${depth}, blocks of ${blockSize}`);
  }
  if (scales.length !== columns * blocks) return node.refuse(`${scales.length} scales for ${columns * blocks} blocks`);
  const zeroPoints = zeros ? zeroPointsOf(node, zeros, columns, blocks, bits) : scales.map(() => 2 ** (bits - 1));
  return { columns, depth, bits, blockSize, blocks, bytes, scales, zeroPoints };
}

/** Packed codes, each row of blocks beginning with a byte; or real numbers, one a block. */
function zeroPointsOf(node: OnnxNode, zeros: HostTensor, columns: number, blocks: number, bits: number): number[] {
  if (zeros.dtype !== 'u8') {
    const reals = realsOf(zeros);
    return reals.length === columns * blocks ? reals : node.refuse(`${reals.length} zero points`);
  }
  const row = Math.ceil((blocks * bits) / 8);
  if (zeros.data.length !== columns * row) return node.refuse(`${zeros.data.length} bytes of zero points`);
  return Array.from({ length: columns * blocks }, (_, i) =>
    codeAt(zeros.data as Uint8Array, Math.floor(i / blocks) * row, i % blocks, bits),
  );
}

function codeAt(bytes: Uint8Array, start: number, index: number, bits: number): number {
  const bit = index * bits;
  return ((bytes[start + (bit >> 3)] as number) >> (bit & 7)) & (2 ** bits - 1);
}

/** Calls `visit` with the place in [K, N], the code, and the block in [N, blocks]. */
function forEachCode(packed: Packed, visit: (place: number, code: number, block: number, k: number) => void): void {
  const { columns, depth, bits, blockSize, blocks, bytes } = packed;
  const row = (blocks * blockSize * bits) / 8;
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < depth; k++) {
      visit(k * columns + n, codeAt(bytes, n * row, k, bits), n * blocks + Math.floor(k / blockSize), k);
    }
  }
}

/** [N, blocks] as [blocks, N]. */
function transposed(values: readonly number[], blocks: number): number[] {
  const columns = values.length / blocks;
  return values.map((_, i) => values[(i % columns) * blocks + Math.floor(i / columns)] as number);
}

/** The weights [K, N] as codes under a quantized type. */
function quantizedWeights(node: OnnxNode, packed: Packed): Value {
  const { columns, depth, bits, blockSize, blocks } = packed;
  const shape = [depth, columns];
  const storage = storages[bits];
  const codes = new Uint8Array(depth * columns);
  forEachCode(packed, (place, code) => {
    codes[place] = code;
  });
  const params = quantParams({
    scale: transposed(packed.scales, blocks),
    zeroPoint: transposed(packed.zeroPoints, blocks),
  });
  const element = quantType({ storage, granularity: { kind: 'block', axis: 0, size: blockSize }, params });
  return node.createConstant({ dtype: storage, shape, data: codes }, tensor(shape, element));
}

/** The weights [K, N] as f32: where rows choose their block freely, or zero points are no codes. */
function realWeights(node: OnnxNode, packed: Packed, groups: readonly number[] | undefined): Value {
  const { columns, depth, blocks, scales, zeroPoints } = packed;
  const data = new Float32Array(depth * columns);
  forEachCode(packed, (place, code, ownBlock, k) => {
    const block = groups ? (place % columns) * blocks + (groups[k] as number) : ownBlock;
    data[place] = (code - (zeroPoints[block] as number)) * (scales[block] as number);
  });
  return node.createConstant({ dtype: 'f32', shape: [depth, columns], data });
}

function importMatMulNBits(node: OnnxNode): Value {
  const packed = readPacked(node);
  const groups = node.constantNumbers(4);
  if (groups?.some((g) => !(g >= 0 && g < packed.blocks)) || (groups && groups.length < packed.depth)) {
    return node.refuse('group indices that name no block');
  }
  const isCodes = packed.zeroPoints.every(Number.isInteger) && packed.scales.every((s) => s > 0);
  const b = groups || !isCodes ? realWeights(node, packed, groups) : quantizedWeights(node, packed);
  const a = node.input(0);
  const y = node.create(matmul, { a: castTo(node, a, 'f32'), b }).result;
  const bias = node.optionalInput(5);
  const sum = bias ? node.create(add, { a: y, b: castTo(node, bias, 'f32') }).result : y;
  return castTo(node, sum, elementOf(a));
}

export const matmulNBitsMappings: readonly OnnxMapping[] = [
  { op: 'MatMulNBits', domain: 'com.microsoft', build: importMatMulNBits },
];
