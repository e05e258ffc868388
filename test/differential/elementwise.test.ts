import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry } from '../../dialects/index.ts';
import { type OpDefinition, verifyModule } from '../../src/ir/index.ts';
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
  !/^nn\.(bit_)?(and|or|xor)$/.test(definition.name);

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
/** A module that applies one op to its arguments. */
function applied(name: string, args: readonly string[]): string {
  const module = (
    element: string,
  ) => `func @main(${args.map((arg) => `%${arg}: tensor<${n}xf32>`).join(', ')}) -> (%y: tensor<${n}x${element}>) {
  %0 = ${name} ${args.map((arg) => `%${arg}`).join(', ')} : tensor<${n}x${element}> loc("op")
  nn.return %0
}`;
  try {
    verifyModule(parse(module('f32'), { registry }));
    return module('f32');
  } catch {
    return module('i1');
  }
}

const all = [...registry.ops.values()];

describe('elementwise ops as wasm', () => {
  it.each(all.filter(isUnary).map(({ name }) => name))('%s', async (name) => {
    const text = applied(name, ['x']);
    const model = await runWasm(await planned(text, wasmTarget));
    const expected = reference(text, [x])[0]?.data as Float32Array;
    expectClose(model.run({ x: x.data }).y as Float32Array, expected, (i) => `${numbers[i]}`);
  });

  it.each(all.filter(isBinary).map(({ name }) => name))('%s', async (name) => {
    const text = applied(name, ['a', 'b']);
    const model = await runWasm(await planned(text, wasmTarget));
    const expected = reference(text, [x, y])[0]?.data as Float32Array;
    expectClose(model.run({ a: x.data, b: y.data }).y as Float32Array, expected, (i) => `${numbers[i]}, ${shifted[i]}`);
  });
});
