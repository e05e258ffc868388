import { elementOf, type KernelBuilder, lanesOf } from '../../dialects/kernel/index.ts';
import { decodeHalf } from '../../dialects/nn/halves.ts';
import { type RowSegment, rowGroup, rowSegments } from '../../dialects/quant/rowCodes.ts';
import { type Dim, knownSize, stepsOf, storageOf, type Value } from '../../src/ir/index.ts';
import { tensorType } from '../cluster.ts';
import type { KernelContext } from '../plan.ts';

/** The rows (last axis, innermost in memory) of a tensor: floats of 32 or 16 bits, or codes with scales of groups. */
export interface RowTensor {
  readonly codes: Value;
  readonly scale: Value | undefined;
  readonly low: Value | undefined;
}

/** Where a row begins: its first element, and the first of its scales. */
export interface RowPlace {
  readonly codes: Value;
  readonly scale: Value;
}

/** Reads rows in a kernel. */
export interface RowReader {
  readonly width: number;
  readonly segments: readonly RowSegment[];
  /** The row at indices of all axes but the last. */
  at(indices: readonly Value[]): RowPlace;
  /** `lanes` elements of a segment from its element `i` on, before scale and low, as f32. */
  load(place: RowPlace, segment: RowSegment, i: Value, lanes: number): Value;
  /** What elements of a segment are multiplied by, and what is added then; undefined: nothing. */
  scale: ((place: RowPlace, segment: RowSegment) => Value) | undefined;
  low: ((place: RowPlace, segment: RowSegment) => Value) | undefined;
}

/** Real numbers of a row. */
export function rowWidth({ codes, low }: RowTensor): number {
  return knownSize(tensorType(codes).shape.at(-1) as Dim) * (low ? 2 : 1);
}

/** Declares the buffers of rows, and reads them. */
export function readRows(k: KernelBuilder, context: KernelContext, name: string, rows: RowTensor): RowReader {
  const { codes, scale, low } = rows;
  const width = rowWidth(rows);
  const element = storageOf(tensorType(codes).element);
  const buffer = context.input(k, name, codes);
  const scales = scale && context.input(k, `${name}_scale`, scale);
  const lows = low && context.input(k, `${name}_low`, low);
  const [steps, scaleSteps] = [codes, scale].map((v) => (v ? stepsOf(tensorType(v)) : [])) as [Dim[], Dim[]];
  const offset = (indices: readonly Value[], by: readonly Dim[]) =>
    indices.reduce((at, index, axis) => k.add(at, k.mul(index, k.index(by[axis] ?? 0))), k.index(0));
  const ofGroup = (all: Value) => (place: RowPlace, segment: RowSegment) =>
    k.load(all, k.add(place.scale, k.index(segment.group)));
  const whole: RowSegment = { from: 0, length: width, at: 0, shift: undefined, group: 0 };
  return {
    width,
    segments: scale ? rowSegments(width, low !== undefined) : [whole],
    at: (indices) => ({ codes: offset(indices, steps), scale: offset(indices, scaleSteps) }),
    load(place, { at, shift }, i, lanes) {
      const loaded = k.load(buffer, k.add(k.add(place.codes, k.index(at)), i), lanes);
      if (element === 'f16') return decodeHalf(k, loaded, 'f16');
      return shift === undefined ? asFloat(k, loaded) : asFloat(k, nibble(k, loaded, shift));
    },
    scale: scales && ofGroup(scales),
    low: lows && ofGroup(lows),
  };
}

const nibble = (k: KernelBuilder, bytes: Value, shift: 0 | 4): Value =>
  shift === 4 ? k.shr(bytes, 4) : k.and(bytes, k.constant(15, 'u8', bytes));

/** Codes of 8 bits become floats by way of 16 bits where there are several. */
function asFloat(k: KernelBuilder, codes: Value): Value {
  const wide = lanesOf(codes) > 1 && elementOf(codes) !== 'f32' ? k.convert(codes, 'i16') : codes;
  return k.convert(wide, 'f32');
}

/** The most lanes, up to a limit, that divide every segment of rows. */
export function lanesOfRows(tensors: readonly RowTensor[], limit: number): number {
  const lengths = tensors.flatMap((rows) => {
    const width = rowWidth(rows);
    return rows.scale ? [rowGroup(width), ...rowSegments(width, rows.low !== undefined).map((s) => s.length)] : [width];
  });
  let lanes = limit;
  while (lengths.some((length) => length % lanes !== 0)) lanes /= 2;
  return lanes;
}
