import {
  constantOf,
  forLoop,
  type KernelBuilder,
  lanesOf,
  lanewisePrimitives,
  load,
  loadSplat,
  store,
  table,
} from '../../dialects/kernel/index.ts';
import { Block, bytesOf, type Op, type RefType, type ScalarType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { InternalError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import { type Rebuild, rebuildKernel } from './rebuildKernel.ts';

export const packWords = definePass({
  name: 'pack-words',
  summary:
    'On targets whose memory is made of 32-bit words, turns loads and stores of 8 and 16 bits into those of words.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    if ((context.target as Target | undefined)?.granule !== 4) return;
    for (const [name, func] of module.functions) {
      if (func.kind !== 'kernel') continue;
      const packed = rebuildKernel(func, {
        element: ({ element }) => (isSmall(element) ? 'u32' : element),
        op: rewriteAccess,
      });
      module.functions.set(name, packed);
    }
  },
});

const isSmall = (element: ScalarType): boolean => bytesOf(element) < 4;
const bufferElement = (op: Op, index: number): ScalarType => (op.operand(index).type as RefType).element;

function rewriteAccess(rebuild: Rebuild, op: Op): readonly (readonly Value[])[] | undefined {
  const { k, of } = rebuild;
  if (store.is(op)) {
    const element = bufferElement(op, 1);
    if (!isSmall(element)) return undefined;
    const lanes = store.attributesOf(op).lanes || lanesOf(op.operand(0));
    storeSmall(rebuild, element, of(op.operand(0)), of(op.operand(1)), of(op.operand(2)), lanes);
    return [];
  }
  if (!load.is(op) && !loadSplat.is(op) && !table.is(op)) return undefined;
  const element = bufferElement(op, 0);
  const [buffer, index] = [of(op.operand(0)), of(op.operand(1))];
  const lanes = lanesOf(op.result);
  if (table.is(op)) {
    const entries = Array.from({ length: lanes }, (_, lane) => {
      const code = k.convert(k.convert(k.slice(index, lane, 1), 'u8'), 'index');
      return isSmall(element) ? loadSmall(k, element, buffer, code, 1) : k.load(buffer, code);
    });
    return [[k.concat(entries)]];
  }
  if (!isSmall(element)) return undefined;
  if (load.is(op)) return [[loadSmall(k, element, buffer, index, lanes)]];
  const { group } = loadSplat.attributesOf(op);
  const once = loadSmall(k, element, buffer, index, group);
  return [[group === 1 ? k.splat(once, lanes) : k.concat(Array.from({ length: lanes / group }, () => once))]];
}

/** Elements in a word. */
const perWord = (element: ScalarType): number => 4 / bytesOf(element);

/** Bits by which element `index` lies above the lowest of its word, as u32. */
function bitsBelow(k: KernelBuilder, element: ScalarType, index: Value): Value {
  const within = k.and(index, k.index(perWord(element) - 1));
  return k.convert(k.mul(within, k.index(32 / perWord(element))), 'u32');
}

function loadSmall(k: KernelBuilder, element: ScalarType, buffer: Value, index: Value, lanes: number): Value {
  const per = perWord(element);
  if (lanes % per !== 0) {
    const each = Array.from({ length: lanes }, (_, lane) => loadOne(k, element, buffer, k.add(index, k.index(lane))));
    return k.concat(each);
  }
  const first = wordIndex(k, index, per);
  const wordAt = (i: number) => k.load(buffer, k.add(first, k.index(i)));
  const words = Array.from({ length: lanes / per }, (_, i) =>
    isMultiple(index, per) ? wordAt(i) : shifted(k, wordAt(i), wordAt(i + 1), bitsBelow(k, element, index)),
  );
  return k.concat(words.map((word) => k.splitWord(word, element)));
}

function loadOne(k: KernelBuilder, element: ScalarType, buffer: Value, index: Value): Value {
  const word = k.load(buffer, wordIndex(k, index, perWord(element)));
  return k.convert(shiftedRight(k, word, bitsBelow(k, element, index)), element);
}

/** The 32 bits from bit `count` of two words on; a shift by 32 has no meaning, so that one bit goes apart. */
function shifted(k: KernelBuilder, low: Value, high: Value, count: Value): Value {
  const rest = k.xor(count, k.constant(31, 'u32'));
  return k.or(k.shrBy(low, count), k.shlBy(k.shl(high, 1), rest));
}

function shiftedRight(k: KernelBuilder, word: Value, count: Value): Value {
  const known = constantOf(count);
  return known === undefined ? k.shrBy(word, count) : k.shr(word, known);
}

function storeSmall(
  { k, isDistributed }: Rebuild,
  element: ScalarType,
  value: Value,
  buffer: Value,
  index: Value,
  lanes: number,
): void {
  const per = perWord(element);
  if (lanes % per === 0 && isMultiple(index, per)) {
    const first = wordIndex(k, index, per);
    for (let i = 0; i < lanes / per; i++) {
      k.store(k.joinWord(k.slice(value, i * per, per)), buffer, k.add(first, k.index(i)));
    }
    return;
  }
  if (isDistributed) {
    throw new InternalError(`@${k.func.name}: invocations write parts of words, which others may write too`);
  }
  for (let lane = 0; lane < lanes; lane++) {
    storeOne(k, element, k.slice(value, lane, 1), buffer, k.add(index, k.index(lane)));
  }
}

/** One invocation alone: the word is read, changed and written. */
function storeOne(k: KernelBuilder, element: ScalarType, value: Value, buffer: Value, index: Value): void {
  const at = wordIndex(k, index, perWord(element));
  const count = bitsBelow(k, element, index);
  const ones = k.constant(2 ** (32 / perWord(element)) - 1, 'u32');
  const kept = k.and(k.load(buffer, at), k.xor(k.shlBy(ones, count), k.constant(2 ** 32 - 1, 'u32')));
  k.store(k.or(kept, k.shlBy(k.and(k.convert(value, 'u32'), ones), count)), buffer, at);
}

const { add, mul, min, max, remainder, select } = lanewisePrimitives;

/** Whether an index is known to be a multiple of n, a power of two. */
function isMultiple(index: Value, n: number): boolean {
  const known = constantOf(index);
  if (known !== undefined) return known % n === 0;
  const { op } = index;
  if (!op) return isCounterOfMultiples(index, n);
  const operands = op.operands as Value[];
  switch (op.definition) {
    case add.definition:
    case min.definition:
    case max.definition:
      return operands.every((operand) => isMultiple(operand, n));
    case mul.definition:
      return operands.some((operand) => isMultiple(operand, n));
    case select.definition:
      return operands.slice(1).every((operand) => isMultiple(operand, n));
    case remainder.definition:
      return (op.attributes.divisor as number) % n === 0 && isMultiple(op.operand(0), n);
    default:
      return false;
  }
}

function isCounterOfMultiples({ definer, index }: Value, n: number): boolean {
  const loop = definer instanceof Block ? definer.parent : undefined;
  if (!loop || !forLoop.is(loop) || index !== 0) return false;
  return forLoop.attributesOf(loop).step % n === 0 && isMultiple(loop.operand(0), n);
}

/** ⌊index / n⌋ for n of 2 or 4: exact where parts of the index are known to be multiples of it. */
function wordIndex(k: KernelBuilder, index: Value, n: number): Value {
  const known = constantOf(index);
  if (known !== undefined) return k.index(Math.floor(known / n));
  const { op } = index;
  if (op?.definition === add.definition) {
    const [a, b] = op.operands as [Value, Value];
    if (isMultiple(b, n)) return k.add(wordIndex(k, a, n), wordIndex(k, b, n));
    if (isMultiple(a, n)) return k.add(wordIndex(k, a, n), wordIndex(k, b, n));
  }
  if (op?.definition === mul.definition) {
    const by = constantOf(op.operand(1));
    if (by !== undefined && by % n === 0) return k.mul(op.operand(0), k.index(by / n));
  }
  return k.shr(index, n === 4 ? 2 : 1);
}
