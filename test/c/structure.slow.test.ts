import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { expF32 } from '../../dialects/kernel/elementary.ts';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import { runProgram } from '../../dialects/kernel/interpret.ts';
import { runC } from '../../src/cli/host/c.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type Intrinsic, intrinsics } from '../../src/target/index.ts';
import { missing, PlannedProgram, sanitized, strict } from './program.ts';

const noCompiler = missing('cc');

const sequence = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));

/** Runs a program in the interpreter and in C, strictly compiled and sanitized, and expects the same numbers. */
function expectOutputs(module: Module, inputs: readonly HostTensor[], wanted: readonly (readonly number[])[]): void {
  const numbers = (tensors: readonly HostTensor[]) => tensors.map(({ data }) => Array.from(data as Int32Array));
  expect(numbers(runProgram(module, inputs, { intrinsics }))).toEqual(wanted);
  const artifact = emitC(module, { name: 'net' });
  expect(numbers(runC(artifact, inputs, { flags: [...strict, ...sanitized] }))).toEqual(wanted);
}

/** One kernel from `x` (i32, n elements) to `y` (i32, m elements). */
function simple(n: number, m: number, body: (k: KernelBuilder, x: Value, y: Value) => void): [Module, HostTensor] {
  const program = new PlannedProgram(
    [{ name: 'x', element: 'i32', shape: [n] }],
    [{ name: 'y', element: 'i32', shape: [m] }],
  );
  const k = new KernelBuilder('kernel', 'layer');
  body(k, k.buffer('x', 'i32', 'input'), k.buffer('y', 'i32', 'output'));
  program.launch(k.finish(program.module), [...program.inputs, ...program.outputs], 'layer');
  return [program.finish(), { dtype: 'i32', shape: [n], data: Int32Array.from(sequence(n, (i) => i * 3 - 4)) }];
}

describe.skipIf(noCompiler)(`loops${noCompiler}`, () => {
  it('carry several values that take each other’s place', () => {
    // a, b, c = b, c, a + b: needs the old a after a is assigned
    const [module, x] = simple(1, 3, (k, input, y) => {
      const start = [k.load(input, k.index(0)), k.constant(10, 'i32'), k.constant(100, 'i32')];
      const end = k.for(0, 7, 1, start, (_, [a, b, c]) => [b as Value, c as Value, k.add(a as Value, b as Value)]);
      end.forEach((value, i) => {
        k.store(value, y, k.index(i));
      });
    });
    let [a, b, c] = [-4, 10, 100] as [number, number, number];
    for (let i = 0; i < 7; i++) [a, b, c] = [b, c, a + b];
    expectOutputs(module, [x], [[a, b, c]]);
  });

  it('nest, with bounds and steps of their own', () => {
    const [module, x] = simple(24, 4, (k, input, y) => {
      k.loop(0, 4, 1, (row) => {
        const [total] = k.for(row, k.add(row, k.index(16)), 3, [k.constant(0, 'i32')], (i, [sum]) => {
          const [inner] = k.for(0, 3, 2, [sum as Value], (j, [s]) => [k.add(s as Value, k.load(input, k.add(i, j)))]);
          return [inner as Value];
        });
        k.store(total as Value, y, row);
      });
    });
    const data = Array.from(x.data as Int32Array);
    const wanted = sequence(4, (row) => {
      let sum = 0;
      for (let i = row; i < row + 16; i += 3) for (const j of [0, 2]) sum += data[i + j] as number;
      return sum;
    });
    expectOutputs(module, [x], [wanted]);
  });

  it('that run no turn give what they began with', () => {
    const [module, x] = simple(1, 1, (k, input, y) => {
      const first = k.load(input, k.index(0));
      const [end] = k.for(k.convert(first, 'index'), k.index(-5), 1, [k.constant(42, 'i32')], () => [first]);
      k.store(end as Value, y, k.index(0));
    });
    expectOutputs(module, [x], [[42]]);
  });
});

describe.skipIf(noCompiler)(`memory${noCompiler}`, () => {
  it('is read before it is written where the kernel says so', () => {
    const [module, x] = simple(2, 2, (k, input, y) => {
      k.store(k.load(input, k.index(0)), y, k.index(0));
      const before = k.load(y, k.index(0));
      k.store(k.constant(77, 'i32'), y, k.index(0));
      k.store(before, y, k.index(1));
    });
    expectOutputs(module, [x], [[77, -4]]);
  });

  it('is written by the first lanes only when a store is partial', () => {
    const [module, x] = simple(8, 8, (k, input, y) => {
      k.store(k.constant(0, 'i32', k.load(input, k.index(0), 8)), y, k.index(0));
      const v = k.load(input, k.index(0), 4);
      k.store(k.add(v, v), y, k.index(0), 3);
      k.store(k.loadSplat(input, k.index(6), 4, 2), y, k.index(3), 3);
    });
    expectOutputs(module, [x], [[-8, -2, 4, 14, 17, 14, 0, 0]]);
  });

  it('holds tables, looked up by signed and unsigned codes', () => {
    const program = new PlannedProgram(
      [
        { name: 'a', element: 'i8', shape: [4] },
        { name: 'b', element: 'u8', shape: [4] },
      ],
      [{ name: 'y', element: 'i16', shape: [8] }],
    );
    const entries = Int16Array.from(sequence(256, (i) => i * 5 - 300));
    const k = new KernelBuilder('lookup', 'table');
    const [a, b] = [k.buffer('a', 'i8', 'input'), k.buffer('b', 'u8', 'input')];
    const [t, y] = [k.buffer('table', 'i16', 'weights'), k.buffer('y', 'i16', 'output')];
    k.store(k.table(t, k.load(a, k.index(0), 4)), y, k.index(0));
    k.loop(0, 4, 1, (i) => k.store(k.table(t, k.load(b, i)), y, k.add(i, k.index(4))));
    const places = [...program.inputs, program.weights(entries), ...program.outputs];
    program.launch(k.finish(program.module), places, 'table');
    const codes = { a: [0, -1, -128, 127], b: [0, 1, 200, 255] };
    const wanted = [...codes.a, ...codes.b].map((code) => (code & 0xff) * 5 - 300);
    expectOutputs(
      program.finish(),
      [
        { dtype: 'i8', shape: [4], data: Int8Array.from(codes.a) },
        { dtype: 'u8', shape: [4], data: Uint8Array.from(codes.b) },
      ],
      [wanted],
    );
  });
});

describe.skipIf(noCompiler)(`vectors${noCompiler}`, () => {
  it('are joined, cut, mixed and summed', () => {
    const [module, x] = simple(8, 23, (k, input, y) => {
      const [a, b] = [k.load(input, k.index(0), 4), k.load(input, k.index(4), 4)];
      const sums = k.addPairs(a, b);
      const mixed = k.interleave(a, sums);
      k.store(mixed, y, k.index(0));
      k.store(k.concat([6, 4, 2, 0].map((offset) => k.slice(mixed, offset, 2))), y, k.index(8));
      k.store(k.splat(k.reduce('add', mixed), 4), y, k.index(16));
      k.store(k.reduce('min', a), y, k.index(20));
      k.store(k.reduce('max', k.mul(a, b)), y, k.index(21));
      k.store(k.select(k.cmp('lt', a, b), a, b), y, k.index(22), 1);
    });
    const data = Array.from(x.data as Int32Array);
    const pairs = sequence(4, (i) => (data[2 * i] as number) + (data[2 * i + 1] as number));
    const mixed = sequence(8, (i) => (i % 2 === 0 ? data[i / 2] : pairs[(i - 1) / 2]) as number);
    const total = mixed.reduce((n, v) => n + v, 0);
    const products = sequence(4, (i) => (data[i] as number) * (data[i + 4] as number));
    const cut = [6, 4, 2, 0].flatMap((offset) => mixed.slice(offset, offset + 2));
    const wanted = [...mixed, ...cut, total, total, total, total, -4, Math.max(...products), -4];
    expectOutputs(module, [x], [wanted]);
  });

  it('of floats are summed in the fixed tree', () => {
    const values = [1e8, 1, -1e8, 3, 0.25, 7, -5, 1e-3].map(Math.fround);
    const f = Math.fround;
    const halves = sequence(4, (i) => f((values[i] as number) + (values[i + 4] as number))) as [
      number,
      number,
      number,
      number,
    ];
    const wanted = f(f(halves[0] + halves[2]) + f(halves[1] + halves[3]));
    const program = new PlannedProgram(
      [{ name: 'x', element: 'f32', shape: [8] }],
      [{ name: 'y', element: 'f32', shape: [1] }],
    );
    const k = new KernelBuilder('total', 'sum');
    const [x, y] = [k.buffer('x', 'f32', 'input'), k.buffer('y', 'f32', 'output')];
    k.store(k.reduce('add', k.load(x, k.index(0), 8)), y, k.index(0));
    program.launch(k.finish(program.module), [...program.inputs, ...program.outputs]);
    expectOutputs(program.finish(), [{ dtype: 'f32', shape: [8], data: Float32Array.from(values) }], [[wanted]]);
  });

  it.each(Object.values(intrinsics))('are contracted as $name says', (intrinsic: Intrinsic) => {
    const { name, element, depth, lanes, columns, rows } = intrinsic;
    const stored = element as 'i8' | 'i16';
    const count = (rows ? columns : lanes) * depth;
    const program = new PlannedProgram(
      [{ name: 'x', element: stored, shape: [count] }],
      [{ name: 'y', element: 'i32', shape: [lanes] }],
    );
    const limit = stored === 'i8' ? 128 : 32768;
    const x = sequence(count, (i) => (i === 1 ? -limit : ((i * 37) % 251) - 125));
    const w = sequence(count, (i) => (i === 1 ? -limit : ((i * 101) % 255) - 127));
    const k = new KernelBuilder('contraction', 'matmul');
    const [input, weights] = [k.buffer('x', stored, 'input'), k.buffer('w', stored, 'weights')];
    const y = k.buffer('y', 'i32', 'output');
    const start = k.constant(2 ** 31 - 50, 'i32', lanes === 1 ? undefined : k.splat(k.index(0), lanes));
    const loaded = [k.load(weights, k.index(0), count), k.load(input, k.index(0), count)] as const;
    k.store(k.dot(name, start, ...loaded), y, k.index(0));
    const place = program.weights(stored === 'i8' ? Int8Array.from(w) : Int16Array.from(w));
    program.launch(k.finish(program.module), [...program.inputs, place, ...program.outputs]);
    const wanted = sequence(lanes, (lane) => {
      let sum = BigInt(2 ** 31 - 50);
      const [row, column] = rows ? [Math.floor(lane / columns), lane % columns] : [lane, lane];
      for (let i = 0; i < depth; i++)
        sum += BigInt(x[row * depth + i] as number) * BigInt(w[column * depth + i] as number);
      return Number(BigInt.asIntN(32, sum));
    });
    const data = stored === 'i8' ? Int8Array.from(x) : Int16Array.from(x);
    expectOutputs(program.finish(), [{ dtype: stored, shape: [count], data }], [wanted]);
  });
});

describe.skipIf(noCompiler)(`float functions${noCompiler}`, () => {
  it('give the same bits in C as in the interpreter, where the compiler is told to fuse multiply-adds', () => {
    const n = 4096;
    const program = new PlannedProgram(
      [{ name: 'x', element: 'f32', shape: [n] }],
      [{ name: 'y', element: 'f32', shape: [n] }],
    );
    const k = new KernelBuilder('exp', 'softmax');
    const [x, y] = [k.buffer('x', 'f32', 'input'), k.buffer('y', 'f32', 'output')];
    k.loop(0, n, 1, (i) => k.store(expF32(k, k.load(x, i)), y, i));
    program.launch(k.finish(program.module), [...program.inputs, ...program.outputs], 'softmax');
    const module = program.finish();
    const inputs: HostTensor[] = [
      { dtype: 'f32', shape: [n], data: Float32Array.from(sequence(n, (i) => (i - n / 2) / 20.1)) },
    ];
    const [wanted] = runProgram(module, inputs, { intrinsics });
    const flags = ['-O3', '-march=native', '-ffp-contract=fast', '-Wall', '-Werror'];
    expect(runC(emitC(module, { name: 'net' }), inputs, { flags })).toEqual([wanted]);
  });
});
