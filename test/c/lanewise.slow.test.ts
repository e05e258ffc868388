import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { KernelBuilder, type LanewiseName, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import { runProgram } from '../../dialects/kernel/interpret.ts';
import { runC } from '../../src/cli/host/c.ts';
import { bytesOf, Op, type ScalarType, type Value } from '../../src/ir/index.ts';
import { bytesOfTensor, type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { intrinsics } from '../../src/target/index.ts';
import { missing, PlannedProgram, sanitized, strict } from './program.ts';

const noCompiler = missing('cc');

type Element = Exclude<ScalarType, 'index'>;
const integers: readonly Element[] = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32'];
const narrow = (to: Element) => integers.filter((from) => bytesOf(from) > bytesOf(to));

interface Case {
  readonly name: LanewiseName;
  readonly from: Element;
  readonly to: Element;
  readonly attributes?: Record<string, number | string>;
}

const forEach = (elements: readonly Element[], names: readonly LanewiseName[]): Case[] =>
  names.flatMap((name) => elements.map((from) => ({ name, from, to: from })));

/** Every primitive with every element type that it has a meaning for. */
const cases: readonly Case[] = [
  ...forEach([...integers, 'f32', 'f64'], ['add', 'sub', 'mul', 'min', 'max', 'neg', 'abs', 'select']),
  ...forEach(['f32', 'f64'], ['div', 'sqrt', 'floor', 'ceil', 'round_even', 'mul_add']),
  ...forEach([...integers, 'i1'], ['and', 'or', 'xor']),
  ...integers.flatMap((from) =>
    (['shl', 'shr'] as const).flatMap((name) =>
      [1, 3, bytesOf(from) * 8 - 1].map((count) => ({ name, from, to: from, attributes: { count } })),
    ),
  ),
  ...[...integers, 'f32' as const, 'f64' as const].flatMap((from) =>
    ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].map((predicate) => ({
      name: 'cmp' as const,
      from,
      to: 'i1' as const,
      attributes: { predicate },
    })),
  ),
  ...[...integers, 'f32' as const, 'f64' as const].flatMap((from) =>
    [...integers, 'f32' as const, 'f64' as const].map((to) => ({ name: 'convert' as const, from, to })),
  ),
  ...integers.flatMap((to) => narrow(to).map((from) => ({ name: 'narrow_saturate' as const, from, to }))),
  ...(['i32', 'u32', 'f32'] as const).flatMap((from) =>
    (['i32', 'u32', 'f32'] as const).map((to) => ({ name: 'bitcast' as const, from, to })),
  ),
  ...[2, 3, 15, 31, 32, 33, 47, 61, 62].map((shift) => ({
    name: 'mul_shift' as const,
    from: 'i32' as const,
    to: 'i32' as const,
    attributes: { shift },
  })),
];

let state = 12345;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
};

const edges = [
  ...[0, -0, 1, -1, 2, 3, 5, -7, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, 65535, 2147483647, -2147483648],
  ...[4294967295, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999997, 8388607.5, 8388608, -8388609, 1e-40, 3.4e38, -3.4e38],
  ...[2147483520, 4294967040, 4294967296, 16777217, -2147483904, Infinity, -Infinity, NaN, 126.99, -128.9, 65535.9],
];

/** Values of an element type: edge cases in turn, then random bit patterns and random small numbers. */
function values(element: Element, count: number, turn: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const edge = edges[(i * (turn * 2 + 1) + turn * 7) % edges.length] as number;
    const any =
      i < count / 2 ? edge : i % 3 === 0 ? (random() % 2000) / 64 - 15 : (random() | 0) * (i % 2 ? 1 : 2 ** -12);
    if (element === 'f64') return any;
    if (element === 'f32') return Math.fround(any);
    if (element === 'i1') return random() & 1;
    const array = new (typedArrayOf(element))(1);
    array[0] = Number.isFinite(any) ? Math.trunc(any) % 2 ** 32 : 0;
    return array[0] as number;
  });
}

const COUNT = 128;

/** `out[i] = primitive(a[i], …)` for all values, `lanes` at a time. */
function kernelOf(one: Case, index: number, lanes: number) {
  const k = new KernelBuilder(`case${index}_${lanes}`, one.name);
  const primitive = lanewisePrimitives[one.name];
  const elements = operandElements(one);
  const buffers = elements.map((element, i) => k.buffer(`a${i}`, element, 'weights'));
  const output = k.buffer('y', one.to, 'output');
  k.loop(0, COUNT, lanes, (i) => {
    const args = buffers.map((buffer) => k.load(buffer, i, lanes));
    k.store(emit(k, primitive.definition, args, one, lanes), output, k.add(i, k.index(offsetOf(index, one, lanes))), 0);
  });
  return { k, elements };
}

const RECORD = COUNT * 8;
const offsetOf = (index: number, one: Case, lanes: number) =>
  ((index * 2 + (lanes === 1 ? 0 : 1)) * RECORD) / bytesOf(one.to);

function operandElements(one: Case): Element[] {
  const arity = Object.keys(lanewisePrimitives[one.name].definition.operands).length;
  const elements = Array.from({ length: arity }, () => one.from);
  return one.name === 'select' ? ['i1', ...elements.slice(1)] : elements;
}

/** Ops are made here and not by the builder's methods, which fold. */
function emit(k: KernelBuilder, definition: Op['definition'], args: readonly Value[], one: Case, lanes: number): Value {
  const like = k.constant(0, one.to, lanes === 1 ? undefined : args[0]);
  const op = new Op(definition, [like.type], one.attributes ?? {}, one.name);
  args.forEach((arg, i) => {
    op.setOperand(i, arg);
  });
  const last = args.at(-1) as Value;
  (last.op as Op).block?.insert(op);
  return op.result;
}

/** What `lane` says, as the bytes of the elements. */
function expected(one: Case, operands: readonly (readonly number[])[]): Uint8Array {
  const { lane } = lanewisePrimitives[one.name];
  const data = new (typedArrayOf(one.to))(COUNT);
  for (let i = 0; i < COUNT; i++) {
    data[i] = lane(
      operands.map((values) => values[i] as number),
      operandElements(one)[0] as string,
      one.to,
      one.attributes ?? {},
    );
  }
  return new Uint8Array(data.buffer);
}

/** Bytes with every NaN replaced by one pattern: which NaN an operation gives isn't specified. */
function canonical(bytes: Uint8Array, element: Element): Uint8Array {
  if (element !== 'f32' && element !== 'f64') return bytes;
  const copy = new Uint8Array(bytes).buffer;
  const data = element === 'f32' ? new Float32Array(copy) : new Float64Array(copy);
  data.forEach((v, i) => {
    if (Number.isNaN(v)) data[i] = Number.NaN;
  });
  return new Uint8Array(copy);
}

function build() {
  const outputBytes = cases.length * 2 * RECORD;
  const program = new PlannedProgram([], [{ name: 'out', element: 'u8', shape: [outputBytes] }]);
  const wanted: { label: string; element: Element; at: number; bytes: Uint8Array }[] = [];
  cases.forEach((one, index) => {
    const elements = operandElements(one);
    const data = elements.map((element, i) =>
      one.name === 'bitcast' && one.to === 'f32'
        ? values(element, COUNT, i).map((v) => (v % 2 ** 30) | 0)
        : values(element, COUNT, i),
    );
    const places = data.map((values, i) => {
      const element = elements[i] as Element;
      const array = new (typedArrayOf(element))(COUNT);
      values.forEach((v, j) => {
        array[j] = v;
        values[j] = array[j] as number;
      });
      return program.weights(array);
    });
    const bytes = expected(one, data);
    // masks of vectors never lie in memory: kernels keep truth values as integers
    const inMemory = [one.to, ...operandElements(one)];
    for (const lanes of inMemory.includes('i1') ? [1] : [1, 4]) {
      const { k } = kernelOf(one, index, lanes);
      program.launch(k.finish(program.module), [...places, program.outputs[0] as Value], one.name);
      const label = `${one.name} ${one.from}->${one.to} ${JSON.stringify(one.attributes ?? {})} x${lanes}`;
      wanted.push({ label, element: one.to, at: offsetOf(index, one, lanes) * bytesOf(one.to), bytes });
    }
  });
  return { module: program.finish(), wanted };
}

describe.skipIf(noCompiler)(`lanewise primitives${noCompiler}`, () => {
  const all = build();

  const check = ({ wanted }: typeof all, tensor: HostTensor | undefined) => {
    const output = bytesOfTensor(tensor as HostTensor);
    const wrong = wanted.filter(({ at, bytes, element }) => {
      const actual = canonical(output.slice(at, at + bytes.length), element);
      return Buffer.compare(actual, canonical(bytes, element)) !== 0;
    });
    expect(wrong.map(({ label }) => label)).toEqual([]);
  };

  it('are all among the cases', () => {
    // those of the SIMT family, and what expand-halves writes in others: no kernel for C has them
    const others = ['shl_by', 'shr_by', 'quotient', 'remainder', 'decode_f16', 'encode_f16'];
    expect(new Set([...cases.map(({ name }) => name), ...others])).toEqual(new Set(Object.keys(lanewisePrimitives)));
  });

  it('mean in the interpreter what `lane` says', () => {
    check(all, runProgram(all.module, [], { intrinsics })[0]);
  });

  it('mean it in C, compiled without a warning', () => {
    const flags = [...strict, '-O1'];
    check(all, runC(emitC(all.module, { name: 'net' }), [], { flags })[0]);
  }, 120_000);

  it('mean it in C, without anything that C leaves undefined', () => {
    check(all, runC(emitC(all.module, { name: 'net' }), [], { flags: sanitized })[0]);
  }, 120_000);
});
