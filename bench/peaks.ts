import type binaryen from 'binaryen';
import { type Binaryen, loadBinaryen, relaxedDot, relaxedMulAdd } from '../backends/wasm/relaxed.ts';
import type { TypedArray } from '../src/support/tensor.ts';
import type { Runner } from './runner.ts';

// What the machine's ports give a WebAssembly program at most: loops of one instruction on registers, and one that
// only reads. Kernels are held against them in the same run.

type Step = (b: Binaryen, m: binaryen.Module, accumulator: number, operand: number) => number;

/** Enough sums side by side to hide an instruction's latency, few enough to stay in the 16 registers. */
const sums = 12;
const turns = 100_000;

export const steps = {
  /** Sixteen products of bytes, added. */
  relaxedDot: { multiplyAdds: 16, step: (b, m, acc, x) => relaxedDot(b, m, x, x, acc) },
  relaxedMulAdd: { multiplyAdds: 4, step: (b, m, acc, x) => relaxedMulAdd(b, m, x, x, acc) },
  // Products of each sum itself: equal ones would be computed once for all sums.
  /** Eight products of 16 bits, added in pairs, and the sum of it: the best that integers have without relaxed SIMD. */
  dot: { multiplyAdds: 8, step: (_, m, acc, x) => m.i32x4.add(m.copyExpression(acc), m.i32x4.dot_i16x8_s(acc, x)) },
  mulAdd: { multiplyAdds: 4, step: (_, m, acc, x) => m.f32x4.add(m.copyExpression(acc), m.f32x4.mul(acc, x)) },
} as const satisfies Readonly<Record<string, { multiplyAdds: number; step: Step }>>;

export type PeakName = keyof typeof steps;

/** Multiply-adds of one run of `peakRunner`. */
export const peakWork = (name: PeakName): number => turns * sums * steps[name].multiplyAdds;

/** What a module of WebAssembly exports. */
export async function instance(build: (b: Binaryen, m: binaryen.Module) => void): Promise<WebAssembly.Exports> {
  const b = await loadBinaryen();
  const m = new b.Module();
  m.setFeatures(b.Features.All);
  build(b, m);
  const { instance } = await WebAssembly.instantiate(m.emitBinary() as Uint8Array<ArrayBuffer>);
  m.dispose();
  return instance.exports;
}

/** A loop of one instruction whose operands stay in registers. */
export async function peakRunner(name: PeakName): Promise<Runner> {
  const { step } = steps[name];
  const exports = await instance((b, m) => {
    const [counter, operand, first] = [0, 1, 2];
    const accumulators = Array.from({ length: sums }, (_, i) => first + i);
    const get = (i: number) => m.local.get(i, b.v128);
    const body = accumulators.map((i) => m.local.set(i, (step as Step)(b, m, get(i), get(operand))));
    const count = m.local.tee(counter, m.i32.sub(m.local.get(counter, b.i32), m.i32.const(1)), b.i32);
    const total = accumulators.map(get).reduce((sum, one) => m.v128.xor(sum, one));
    const code = m.block(
      null,
      [
        m.local.set(operand, m.i8x16.splat(m.local.get(counter, b.i32))),
        m.loop('turn', m.block(null, [...body, m.br_if('turn', count)])),
        m.i32x4.extract_lane(total, 0),
      ],
      b.i32,
    );
    const locals = Array.from({ length: 1 + sums }, () => b.v128);
    m.addFunction('run', b.createType([b.i32]), b.i32, locals, code);
    m.addFunctionExport('run', 'run');
  });
  const run = exports.run as (turns: number) => number;
  return { name: `peak of ${name}`, run: () => ({ y: Int32Array.of(run(turns)) as TypedArray }) };
}

/** Reads `bytes` of memory once, 64 at a time, and does next to nothing with them. */
export async function readRunner(bytes: number): Promise<Runner> {
  const exports = await instance((b, m) => {
    m.setMemory(Math.ceil(bytes / 65536), Math.ceil(bytes / 65536), 'memory');
    const [end, at, first] = [0, 1, 2];
    const loads = [0, 16, 32, 48].map((offset, i) =>
      m.local.set(
        first + i,
        m.v128.xor(m.local.get(first + i, b.v128), m.v128.load(offset, 16, m.local.get(at, b.i32))),
      ),
    );
    const next = m.local.tee(at, m.i32.add(m.local.get(at, b.i32), m.i32.const(64)), b.i32);
    const total = [0, 1, 2, 3].map((i) => m.local.get(first + i, b.v128)).reduce((x, y) => m.v128.xor(x, y));
    const turn = m.br_if('turn', m.i32.lt_u(next, m.local.get(end, b.i32)));
    const code = m.block(
      null,
      [m.loop('turn', m.block(null, [...loads, turn])), m.i32x4.extract_lane(total, 0)],
      b.i32,
    );
    m.addFunction('run', b.createType([b.i32]), b.i32, [b.i32, b.v128, b.v128, b.v128, b.v128], code);
    m.addFunctionExport('run', 'run');
  });
  // Untouched pages would all be one page of zeros.
  new Uint8Array((exports.memory as WebAssembly.Memory).buffer).fill(1);
  const run = exports.run as (end: number) => number;
  return { name: 'reads alone', run: () => ({ y: Int32Array.of(run(bytes)) as TypedArray }) };
}
