import { lowBits, tableEntries, tableInputs } from '../../dialects/int/sumTables.ts';
import type { Value } from '../../src/ir/index.ts';
import type { Target } from '../../src/target/index.ts';
import type { GroupProduct } from './groupProduct.ts';

/** Planes whose sums of a group of 32 inputs fit 16 bits. */
const planesTogether = 3;

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/**
 * Products by look-up: the sum of four activations, as one bit of four weights chooses them, is an entry of a table. It is
 * in two bytes, each with five bits of it, so that the entries of eight tables, those of 32 inputs, add up in bytes.
 * A vector holds the bytes of all planes of `bits`, each as wide as the outputs.
 */
const byLookUp = (feature: string | undefined, columns: number, bits: number): GroupProduct => ({
  feature,
  columns,
  depth: 1,
  registers: 2 * bits + 1,
  start: (k, splat) => [...upTo(2 * bits).map(() => k.repeated(0, 'u8', columns)), splat(columns)],
  activations: (k, tables, index) => {
    const at = k.scaled(index, (2 * tableEntries) / tableInputs);
    const table = (i: number) => k.loadSplat(tables, k.add(at, k.index(i * tableEntries)), columns, tableEntries);
    return k.concat(upTo(4).map(table));
  },
  weights: (k, bytes) =>
    upTo(bits).flatMap((b) => {
      const choices = k.slice(bytes, b * columns, columns);
      return [k.and(choices, k.constant(tableEntries - 1, 'u8', choices)), k.shr(choices, tableInputs)];
    }),
  multiply: (k, sums, choices, tables) =>
    sums.map((sum, i) => {
      if (i === 2 * bits) return sum;
      const entries = upTo(2).map((turn) => {
        const table = k.slice(tables, (2 * turn + (i % 2)) * columns, columns);
        return k.swizzle(table, choices[2 * (i >> 1) + turn] as Value);
      });
      return k.add(
        sum,
        entries.reduce((first, second) => k.add(first, second)),
      );
    }),
  finish: (k, sums) => {
    const plane = (b: number) => {
      const [low, high] = [sums[2 * b], sums[2 * b + 1]] as [Value, Value];
      const above = k.shl(k.convert(k.convert(high, 'i8'), 'i16'), lowBits);
      return k.shl(k.add(k.convert(low, 'i16'), above), b % planesTogether);
    };
    const start = sums[2 * bits] as Value;
    return upTo(Math.ceil(bits / planesTogether))
      .map((part) => {
        const planes = upTo(bits).slice(part * planesTogether, (part + 1) * planesTogether);
        const sum = planes.map(plane).reduce((left, right) => k.add(left, right));
        return k.shl(k.convert(sum, 'i32'), part * planesTogether);
      })
      .reduce((total, part) => k.add(total, part), start);
  },
});

/** The ways in which `target` looks products up, the baseline first. They share one packing, as wide as the widest. */
export function lookUpProducts({ contractions }: Target, bits: number): GroupProduct[] {
  const wide = contractions.includes('dot_i16x16');
  const columns = wide ? 32 : 16;
  return [
    byLookUp(undefined, columns, bits),
    ...(contractions.includes('relaxed_dot_i8x16') ? [byLookUp('relaxed-simd', columns, bits)] : []),
    ...(wide ? [byLookUp('avx2', columns, bits)] : []),
  ];
}
