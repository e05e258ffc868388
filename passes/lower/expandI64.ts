import {
  constant,
  type LanewiseName,
  lanesOf,
  lanewisePrimitives,
  load,
  loadSplat,
  store,
  vector,
} from '../../dialects/kernel/index.ts';
import {
  addPairs,
  comparePairs,
  isNegative,
  multiplyPairs,
  narrowedPair,
  negatePair,
  type Pair,
  type Predicate,
  pairOf,
  selectPair,
  shiftPair,
  subtractPairs,
  widened,
} from '../../dialects/kernel/pairs.ts';
import { mulShiftIn32 } from '../../dialects/kernel/wide.ts';
import type { KernelType, Op, OpDefinition, ScalarType, Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import { type Rebuild, rebuildKernel } from './rebuildKernel.ts';

export const expandI64 = definePass({
  name: 'expand-i64',
  summary: 'On targets without 64-bit integers, writes them as pairs of u32, and their products by 16-bit halves.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    if ((context.target as Target | undefined)?.longIntegers !== false) return;
    for (const [name, func] of module.functions) {
      if (func.kind !== 'kernel') continue;
      const element = (type: { readonly element: ScalarType }) => (isLong(type.element) ? 'u32' : type.element);
      module.functions.set(name, rebuildKernel(func, { element, op: expand }));
    }
  },
});

const isLong = (element: ScalarType): boolean => element === 'i64' || element === 'u64';
const elementOf = (value: Value): ScalarType => (value.type as KernelType).element;

type Expansion = (rebuild: Rebuild, op: Op, pairs: readonly Pair[]) => Pair | Value;

/** What each primitive is on pairs; its operands of 64 bits come as pairs. */
const expansions: Partial<Record<LanewiseName, Expansion>> = {
  add: ({ k }, _, [a, b]) => addPairs(k, a as Pair, b as Pair),
  sub: ({ k }, _, [a, b]) => subtractPairs(k, a as Pair, b as Pair),
  mul: ({ k }, _, [a, b]) => multiplyPairs(k, a as Pair, b as Pair),
  neg: ({ k }, _, [a]) => negatePair(k, a as Pair),
  abs: ({ k }, _, [a]) => selectPair(k, isNegative(k, a as Pair), negatePair(k, a as Pair), a as Pair),
  and: ({ k }, _, [a, b]) => byWord((x, y) => k.and(x, y), a as Pair, b as Pair),
  or: ({ k }, _, [a, b]) => byWord((x, y) => k.or(x, y), a as Pair, b as Pair),
  xor: ({ k }, _, [a, b]) => byWord((x, y) => k.xor(x, y), a as Pair, b as Pair),
  shl: ({ k }, op, [a]) => shiftPair(k, a as Pair, op.attributes.count as number, 'left'),
  shr: ({ k }, op, [a]) => shiftPair(k, a as Pair, op.attributes.count as number, 'right'),
  cmp: ({ k }, op, [a, b]) => comparePairs(k, op.attributes.predicate as Predicate, a as Pair, b as Pair),
  select: ({ k, of }, op, [a, b]) => selectPair(k, of(op.operand(0)), a as Pair, b as Pair),
  convert: ({ k, of }, op, [a]) => (a ? narrowedPair(k, a, elementOf(op.result)) : widened(k, of(op.operand(0)))),
};

function byWord(join: (a: Value, b: Value) => Value, a: Pair, b: Pair): Pair {
  return { low: join(a.low, b.low), high: join(a.high, b.high) };
}

const names = new Map<OpDefinition, LanewiseName>(
  (Object.keys(lanewisePrimitives) as LanewiseName[]).map((name) => [lanewisePrimitives[name].definition, name]),
);

function expand(rebuild: Rebuild, op: Op): readonly (readonly Value[])[] | undefined {
  const { k, of } = rebuild;
  if (op.definition === lanewisePrimitives.mul_shift.definition) {
    return [[mulShiftIn32(k, of(op.operand(0)), of(op.operand(1)), op.attributes.shift as number)]];
  }
  const longs = op.operands.filter((v): v is Value => v !== undefined && isLong(elementOf(v)));
  const makesLong = op.results.some((result) => isLong(elementOf(result)));
  if ((longs.length === 0 && !makesLong) || op.regions.length > 0) return undefined;
  const result = expandOp(rebuild, op, longs);
  if (!result) return [];
  return ['low' in result ? [result.low, result.high] : [result]];
}

function expandOp(rebuild: Rebuild, op: Op, longs: readonly Value[]): Pair | Value | undefined {
  const { k, of, parts } = rebuild;
  const pairAt = (value: Value): Pair => {
    const [low, high] = parts(value) as [Value, Value];
    return { low, high };
  };
  const name = names.get(op.definition);
  const expansion = name && expansions[name];
  if (expansion) return expansion(rebuild, op, longs.map(pairAt));
  if (constant.is(op)) {
    const { low, high } = pairOf(k, BigInt(constant.attributesOf(op).value));
    const lanes = lanesOf(op.result);
    return { low: k.splat(low, lanes), high: k.splat(high, lanes) };
  }
  if (load.is(op)) return loadPairs(rebuild, op, lanesOf(op.result));
  if (loadSplat.is(op) && loadSplat.attributesOf(op).group === 1) {
    const { low, high } = loadPairs(rebuild, op, 1);
    return { low: k.splat(low, lanesOf(op.result)), high: k.splat(high, lanesOf(op.result)) };
  }
  if (store.is(op)) {
    const { low, high } = pairAt(op.operand(0));
    const [buffer, at] = [of(op.operand(1)), of(op.operand(2))];
    const lanes = store.attributesOf(op).lanes || lanesOf(op.operand(0));
    for (let lane = 0; lane < lanes; lane++) {
      k.store(k.slice(low, lane, 1), buffer, k.scaled(at, 2, 2 * lane));
      k.store(k.slice(high, lane, 1), buffer, k.scaled(at, 2, 2 * lane + 1));
    }
    return undefined;
  }
  if (vector.splat.is(op)) {
    const { low, high } = pairAt(op.operand(0));
    return { low: k.splat(low, lanesOf(op.result)), high: k.splat(high, lanesOf(op.result)) };
  }
  if (vector.slice.is(op)) {
    const { low, high } = pairAt(op.operand(0));
    const { offset } = vector.slice.attributesOf(op);
    const lanes = lanesOf(op.result);
    return { low: k.slice(low, offset, lanes), high: k.slice(high, offset, lanes) };
  }
  if (vector.concat.is(op)) {
    const all = op.operands.map((_, i) => pairAt(op.operand(i)));
    return { low: k.concat(all.map(({ low }) => low)), high: k.concat(all.map(({ high }) => high)) };
  }
  throw new InternalError(`@${k.func.name}: ${op.name} of 64 bits can't be expanded`);
}

function loadPairs({ k, of }: Rebuild, op: Op, lanes: number): Pair {
  const [buffer, at] = [of(op.operand(0)), of(op.operand(1))];
  const half = (offset: number) =>
    k.concat(Array.from({ length: lanes }, (_, lane) => k.load(buffer, k.scaled(at, 2, 2 * lane + offset))));
  return { low: half(0), high: half(1) };
}
