import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { lanesFor, type Target } from '../../src/target/index.ts';

/** Rows of codes in groups, each padded with code 0. */
export interface GroupRows {
  readonly rows: Parameters<KernelBuilder['parallel']>[0][number];
  readonly inputs: number;
  readonly group: number;
  readonly groups: number;
  readonly padded: number;
}

/** Visits the rows: those whose codes share words with others one after the other. */
export function forEachGroupRow(
  k: KernelBuilder,
  target: Target,
  { rows, inputs, group, padded }: GroupRows,
  body: (row: Value) => void,
): void {
  const lanes = lanesFor(target, 1);
  // where codes of a group end inside a word, one invocation does them all
  const apart = target.family === 'simd' || [group, padded, inputs].every((n) => n % lanes === 0);
  if (apart) k.parallel([rows], ([row]) => body(row as Value));
  else k.loop(0, rows, 1, body);
}

/** Writes the codes of a row group by group, and the sum of those of each group. `codeAt`: as i32, from an input on. */
export function writeGroups(
  k: KernelBuilder,
  target: Target,
  { inputs, group, groups, padded }: GroupRows,
  row: Value,
  [codes, sums]: readonly [codes: Value, sums: Value],
  codeAt: (input: Value, lanes: number) => Value,
): void {
  const lanes = lanesFor(target, 1);
  /** Codes of inputs [from, to) of group g, and their sum so far, lane by lane. */
  const part = (g: Value, from: number, to: number, n: number, sum: Value): Value =>
    k.for(from, to, n, [sum], (i, [before]) => {
      const code = codeAt(k.add(k.scaled(g, group), i), n);
      const at = k.add(k.scaled(k.add(k.scaled(row, groups), g), padded), i);
      k.store(k.narrowSaturate(code, 'i8'), codes, at);
      return [k.add(before as Value, code)];
    })[0] as Value;
  const fillGroup = (g: Value, count: number): void => {
    const whole = count - (count % lanes);
    const vectors = part(g, 0, whole, lanes, k.repeated(0, 'i32', lanes));
    const sum = part(g, whole, count, 1, k.reduce('add', vectors));
    k.store(sum, sums, k.add(k.scaled(row, groups), g));
    const end = k.scaled(k.add(k.scaled(row, groups), g), padded);
    const step = (padded - count) % lanes === 0 ? lanes : 1;
    k.loop(count, padded, step, (i) => k.store(k.repeated(0, 'i8', step), codes, k.add(end, i)));
  };
  const last = inputs % group;
  const full = last === 0 ? groups : groups - 1;
  k.loop(0, full, 1, (g) => fillGroup(g, group));
  if (last !== 0) fillGroup(k.index(full), last);
}
