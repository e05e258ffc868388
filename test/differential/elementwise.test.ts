import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { type OpDefinition, verifyModule } from '../../src/ir/index.ts';
import { type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { planned, reference } from './run.ts';

/** Numbers around every place where a function bends, saturates or ends. */
const numbers = [
  0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2.5, -2.5, 0.25, -0.25, 0.1, -0.1, 3, -3, 6, -6, 10, -10, 20, -20, 50, -50, 87, -87,
  1e-3, -1e-3, 1e-6, 4.75, -4.75, 7.5, 100, -100, 0.999, 1.001, 1e4, -1e4,
];

const isUnary = (definition: OpDefinition): boolean =>
  definition.name.startsWith('nn.') &&
  definition.lower?.kind === 'elementwise' &&
  Object.keys(definition.operands).join() === 'x' &&
  Object.values(definition.attributes).every((spec) => spec.optional || spec.default !== undefined);

const isBinary = (definition: OpDefinition): boolean =>
  definition.name.startsWith('nn.') &&
  definition.lower?.kind === 'elementwise' &&
  Object.keys(definition.operands).join() === 'a,b' &&
  !/^nn\.((bit_)?(and|or|xor)|shift_(left|right))$/.test(definition.name);

const x = { dtype: 'f32', shape: [numbers.length], data: Float32Array.from(numbers) } as const;
const shifted = numbers.map((_, i) => numbers[(i * 7 + 3) % numbers.length] as number);
const y = { dtype: 'f32', shape: [numbers.length], data: Float32Array.from(shifted) } as const;

/** Equal up to 1e-5 relative, or both NaN, or equal infinities. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, inputs: (i: number) => string): void {
  for (let i = 0; i < expected.length; i++) {
    const [got, want] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(got, want) || got === want) continue;
    const tolerance = 1e-5 * Math.max(1, Math.abs(want)) + 1e-6;
    expect(Math.abs(got - want), `at ${inputs(i)}: ${got}, expected ${want}`).toBeLessThanOrEqual(tolerance);
  }
}

const n = numbers.length;
type Element = 'f32' | 'i64' | 'i32' | 'u32' | 'i16' | 'u16' | 'i8' | 'u8' | 'i1';

/** A module that applies one op to its arguments, or undefined where it doesn't take that element type. */
function applied(name: string, args: readonly string[], element: Element = 'f32'): string | undefined {
  const given = args.map((arg) => `%${arg}: tensor<${n}x${element}>`).join(', ');
  const module = (result: string) => `func @main(${given}) -> (%y: tensor<${n}x${result}>) {
  %0 = ${name} ${args.map((arg) => `%${arg}`).join(', ')} : tensor<${n}x${result}> loc("op")
  nn.return %0
}`;
  return [element, 'i1' as const].map(module).find((text) => {
    try {
      verifyModule(parse(text, { registry }));
      return true;
    } catch {
      return false;
    }
  });
}

const all = [...registry.ops.values()];

async function check(name: string, inputs: Readonly<Record<string, HostTensor>>, element: Element): Promise<void> {
  const text = applied(name, Object.keys(inputs), element);
  if (!text) throw new Error(`${name} takes no ${element}`);
  const model = await runWasm(await planned(text, wasmTarget));
  const expected = reference(text, Object.values(inputs))[0] as HostTensor;
  const given = Object.fromEntries(Object.entries(inputs).map(([arg, { data }]) => [arg, data]));
  const at = (i: number) =>
    Object.values(given)
      .map((data) => data[i])
      .join(', ');
  const numbersOf = (data: HostTensor['data']) => Array.from(data as Iterable<number | bigint>, Number);
  expectClose(numbersOf(model.run(given).y as HostTensor['data']), numbersOf(expected.data), at);
}

describe('elementwise ops as wasm', () => {
  it.each(all.filter(isUnary).map(({ name }) => name))('%s', (name) => {
    const element = name === 'nn.not' ? 'i1' : name === 'nn.bit_not' ? 'i32' : 'f32';
    return check(name, { x: element === 'f32' ? x : integers(element, 0) }, element);
  });

  it.each(all.filter(isBinary).map(({ name }) => name))('%s', (name) => check(name, { a: x, b: y }, 'f32'));
});

/** A cast in wasm gives the same bits as in the interpreter. */
async function checkCast(input: HostTensor, to: string): Promise<void> {
  const text = `func @main(%x: tensor<${n}x${input.dtype}>) -> (%y: tensor<${n}x${to}>) {
  %0 = nn.cast %x {to = "${to}"} : tensor<${n}x${to}> loc("op")
  nn.return %0
}`;
  const model = await runWasm(await planned(text, wasmTarget));
  const expected = reference(text, [input])[0] as HostTensor;
  expect(Array.from(model.run({ x: input.data }).y as Float32Array)).toEqual(Array.from(expected.data as Float32Array));
}

describe('casts of floats as wasm', () => {
  it.each(['i64', 'i32', 'u32', 'i16', 'u16', 'i8', 'u8', 'i1'])('to %s', (to) => checkCast(x, to));
});

/** Whole numbers of a type, its ends among them; never 0 with a step of 1, so that they may divide. */
function integers(element: Element, step: number): HostTensor {
  const data = new (typedArrayOf(element))(n);
  // the interpreter holds 64-bit integers exactly up to 2^53
  const bits = element === 'i1' ? 1 : element === 'i64' ? 53 : Number(element.slice(1));
  const low = /^u|i1$/.test(element) ? 0n : -(1n << BigInt(bits - 1));
  const ends = [low, low + 1n, (1n << BigInt(bits)) - 1n + low, 1n, 2n, 3n, 5n, 7n, 100n, 8n];
  for (let i = 0; i < n; i++) {
    const value = ends[(i * (1 + 2 * step) + step) % ends.length] as bigint;
    data[i] = (
      element === 'i64' ? (step > 0 && value === 0n ? 1n : value) : Number(step > 0 && value === 0n ? 1n : value)
    ) as never;
  }
  return { dtype: element, shape: [n], data };
}

const arithmetic = ['add', 'sub', 'mul', 'div', 'min', 'max', 'mod', 'fmod', 'prelu'];
const bitwise = ['bit_and', 'bit_or', 'bit_xor', 'shift_left', 'shift_right'];
const comparisons = ['equal', 'less', 'less_or_equal', 'greater', 'greater_or_equal'];

describe.each(['i32', 'i16', 'u16', 'i8', 'u8', 'u32', 'i64'] as const)('elementwise ops on %s as wasm', (element) => {
  it.each([...arithmetic, ...bitwise, ...comparisons])('nn.%s', (name) =>
    check(`nn.${name}`, { a: integers(element, 0), b: integers(element, 1) }, element),
  );

  it.each(['neg', 'abs', 'sign', 'bit_not'])('nn.%s', (name) =>
    check(`nn.${name}`, { x: integers(element, 0) }, element),
  );

  it.each(['f32', 'i64', 'i32', 'u32', 'i16', 'u16', 'i8', 'u8', 'i1'])('to %s', (to) =>
    checkCast(integers(element, 0), to),
  );
});
