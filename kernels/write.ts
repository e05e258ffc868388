import type { KernelBuilder } from '../dialects/kernel/index.ts';
import { elementOf } from '../dialects/kernel/index.ts';
import { bytesOf, type Dim, knownSize, productOf, type Value } from '../src/ir/index.ts';
import { invariant } from '../src/support/diagnostics.ts';
import type { Target } from '../src/target/index.ts';
import { type Access, collapse, loopNest, type Nest, offsetsIn, overlapping } from './loops.ts';

/** What is written: a buffer, and how the nest walks it. */
export interface Written {
  readonly buffer: Value;
  readonly access: Access;
}

/** The value of `lanes` neighbouring elements, given where each access is; the last one is that of what is written. */
export type ElementValue = (indices: readonly Value[], lanes: number, contiguous: readonly boolean[]) => Value;

/** Elements that an invocation writes at least, so that no two of them write to one word. */
export function wordOf(target: Target, buffer: Value): number {
  return Math.max(1, target.granule / bytesOf(elementOf(buffer)));
}

/**
 * Writes a value to every index of `extents` (outermost axis first). SIMD: loops over vectors of `lanes` elements and
 * then single ones. SIMT: an invocation for each vector; where vectors would not begin at whole words, one for each
 * word, whose elements are computed one by one.
 */
export function writeNest(
  k: KernelBuilder,
  target: Target,
  extents: readonly Dim[],
  accesses: readonly Access[],
  { buffer, access }: Written,
  lanes: number,
  value: ElementValue,
): void {
  const all = [...accesses, access];
  if (target.family === 'simd') {
    const visit = (at: readonly Value[], n: number, contiguous: readonly boolean[]) =>
      k.store(value(at, n, contiguous), buffer, at.at(-1) as Value);
    loopNest(k, extents, all, lanes, visit, 'each');
    return;
  }
  if (extents.some((extent) => extent === 0)) return;
  const nest = collapse(extents, all);
  const word = wordOf(target, buffer);
  const fits = lanes % word === 0 && canVectorize(nest, all, lanes);
  if (fits || word === 1) writeVectors(k, nest, all, buffer, fits ? lanes : 1, value);
  else writeWords(k, nest, all, buffer, word, value);
}

/** Whether an invocation of the SIMT family may do `lanes` neighbours of a nest at once. */
function canVectorize(nest: Nest, accesses: readonly Access[], lanes: number): boolean {
  const inner = knownSize(nest.extents.at(-1) ?? 1);
  const target = (nest.strides.at(-1) as Dim[]).map(knownSize);
  return (
    inner % lanes === 0 &&
    nest.strides.every((strides) => [0, 1].includes(knownSize(strides.at(-1) ?? 0))) &&
    (nest.extents.length > 0 || lanes === 1) &&
    target.at(-1) === 1 &&
    target.slice(0, -1).every((stride) => stride % lanes === 0) &&
    knownSize(accesses.at(-1)?.offset ?? 0) % lanes === 0
  );
}

/** Whether every element of every word can be written, so that a vector or word is never shared. */
export function writesWholeWords(
  target: Target,
  extents: readonly Dim[],
  { buffer, access }: Written,
  lanes: number,
): boolean {
  if (target.family === 'simd' || wordOf(target, buffer) === 1) return true;
  return canVectorize(collapse(extents, [access]), [access], lanes);
}

function writeVectors(
  k: KernelBuilder,
  nest: Nest,
  accesses: readonly Access[],
  buffer: Value,
  lanes: number,
  value: ElementValue,
): void {
  const contiguous = nest.strides.map((strides) => strides.at(-1) === 1);
  const sizes = nest.extents.map(knownSize);
  const turns = sizes.map((extent, axis) => (axis === sizes.length - 1 ? extent / lanes : extent));
  k.parallel(turns, (indices) => {
    const last = indices.length - 1;
    const full = indices.map((i, axis) => (axis === last && lanes > 1 ? k.scaled(i, lanes) : i));
    const at = offsetsIn(k, nest, accesses, full);
    k.store(value(at, lanes, contiguous), buffer, at.at(-1) as Value);
  });
}

function writeWords(
  k: KernelBuilder,
  nest: Nest,
  accesses: readonly Access[],
  buffer: Value,
  word: number,
  value: ElementValue,
): void {
  const target = nest.strides.at(-1) as Dim[];
  const extents = nest.extents.map(knownSize);
  const dense = extents.every((_, axis) => target[axis] === productOf(extents.slice(axis + 1)));
  invariant(dense && accesses.at(-1)?.offset === 0, 'words that several parts of a kernel would write');
  const contiguous = nest.strides.map(() => false);
  const total = extents.reduce((n, d) => n * d, 1);
  writeFlat(k, buffer, total, word, (element) => {
    const at = offsetsIn(k, nest, accesses, indicesOf(k, extents, element));
    return value(at.with(-1, element), 1, contiguous);
  });
}

/**
 * SIMT: writes the elements 0 … total − 1 of a buffer, `word` of them an invocation, each computed by itself. What lies
 * behind the last one in its word is written too.
 */
export function writeFlat(
  k: KernelBuilder,
  buffer: Value,
  total: number,
  word: number,
  value: (element: Value) => Value,
): void {
  const last = (element: Value) => (total % word === 0 ? element : k.min(element, k.index(total - 1)));
  k.parallel([Math.ceil(total / word)], ([w]) => {
    if (word === 1) {
      k.store(value(w as Value), buffer, w as Value);
      return;
    }
    const begin = k.scaled(w as Value, word);
    const bits = 32 / word;
    const ones = k.constant(2 ** bits - 1, 'u32');
    // one turn of a loop for each element: the code of the element is there once
    const [bytes] = k.for(0, word, 1, [k.constant(0, 'u32')], (i, [sum]) => {
      const code = k.and(k.convert(value(last(k.add(begin, i))), 'u32'), ones);
      return [k.or(sum as Value, k.shlBy(code, k.convert(k.scaled(i, bits), 'u32')))];
    });
    k.store(k.splitWord(bytes as Value, elementOf(buffer)), buffer, begin);
  });
}

/** The indices along `extents` of element number `element` in row-major order. */
export function indicesOf(k: KernelBuilder, extents: readonly number[], element: Value): Value[] {
  let rest = element;
  const indices = extents.toReversed().map((extent, i) => {
    const index = i === extents.length - 1 ? rest : k.remainder(rest, extent);
    rest = k.quotient(rest, extent);
    return index;
  });
  return indices.reverse();
}

/** A result of rows of channels, which lie one after the other. */
export interface Rows {
  /** The axes that rows are counted along, outermost first. */
  readonly extents: readonly Dim[];
  readonly channels: Dim;
  /** Channels that are computed at once, where they suffice. */
  readonly lanes: number;
  readonly buffer: Value;
}

/** The value of `lanes` neighbouring channels; `row` is where the row begins in the result. */
export type RowValue = (indices: readonly Value[], row: Value, channel: Value, lanes: number) => Value;

/**
 * Writes every row. SIMD: loops over the rows, and in each over vectors of channels, of which the last may overlap the
 * one before. SIMT: an invocation for each vector, or, where rows do not hold whole ones, for each word.
 */
export function writeRows(k: KernelBuilder, target: Target, rows: Rows, value: RowValue): void {
  const { extents, channels, lanes, buffer } = rows;
  const rowOf = (indices: readonly Value[]) =>
    indices.reduce(
      (sum, i, axis) => k.add(sum, k.scaled(i, productOf([channels, ...extents.slice(axis + 1)]))),
      k.index(0),
    );
  if (target.family === 'simd') {
    k.parallel(extents, (indices) => {
      const row = rowOf(indices);
      overlapping(k, channels, lanes, (channel, live) =>
        k.store(value(indices, row, channel, lanes), buffer, k.add(row, channel), live),
      );
    });
    return;
  }
  const word = wordOf(target, buffer);
  const [count, sizes] = [knownSize(channels), extents.map(knownSize)];
  const width = count % lanes === 0 && lanes % word === 0 ? lanes : 1;
  if (width % word === 0) {
    k.parallel([...sizes, count / width], (indices) => {
      const outer = indices.slice(0, -1);
      const channel = k.scaled(indices.at(-1) as Value, width);
      const row = rowOf(outer);
      k.store(value(outer, row, channel, width), buffer, k.add(row, channel));
    });
    return;
  }
  const total = sizes.reduce((n, d) => n * d, count);
  writeFlat(k, buffer, total, word, (element) => {
    const indices = indicesOf(k, [...sizes, count], element);
    const channel = indices.at(-1) as Value;
    return value(indices.slice(0, -1), k.sub(element, channel), channel, 1);
  });
}
