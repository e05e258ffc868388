import type binaryen from 'binaryen';
import { relaxedDot, relaxedMulAdd } from '../backends/wasm/relaxed.ts';
import type { TypedArray } from '../src/support/tensor.ts';
import type { Size } from './cases/matmul.ts';
import { instance } from './peaks.ts';
import type { Runner } from './runner.ts';

// What a row by weights of few bits comes to at best: the loop over the weights and nothing else. Activations are codes
// already, no zero points are taken off, and results are not stored.

/** Registers of four outputs that share what is read of the activations. Each reads weights of its own, from end to end. */
const units = 4;
const group = 32;
/** Bytes of a register, and inputs of one product. */
const [register, depth] = [16, 4];

/** Where the weights are read from: all of them one after the other, or the same few kilobytes again and again. */
export type RowMemory = 'streamed' | 'first cache';

/** The loop of a row by weights of 4 or 2 bits in groups of 32, each with a scale in f32. */
export async function rowLoopRunner({ depth: inputs, columns }: Size, bits: 4 | 2, from: RowMemory): Promise<Runner> {
  const [vectors, groups, panels] = [8 / bits, inputs / group, columns / (4 * units)];
  const steps = group / (depth * vectors);
  const groupBytes = register * (steps + 1);
  const unitBytes = (from === 'streamed' ? panels : 1) * groups * groupBytes;
  const weightsAt = inputs;
  const exports = await instance((b, m) => {
    const pages = Math.ceil((weightsAt + units * unitBytes) / 65536);
    m.setMemory(pages, pages, 'memory');
    const [left, weight, x, end, mask, w] = [0, 1, 2, 3, 4, 5];
    const [firstX, firstSum] = [w + 1, w + 1 + vectors];
    const firstTotal = firstSum + units;
    const i32 = (local: number) => m.local.get(local, b.i32);
    const vector = (local: number) => m.local.get(local, b.v128);
    const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
    /** The codes of `bits` that lie `v` fields up in each byte. */
    const field = (v: number) =>
      m.v128.and(v === 0 ? vector(w) : m.i16x8.shr_u(vector(w), m.i32.const(v * bits)), vector(mask));
    const step = (s: number): number[] => [
      ...each(vectors, (v) => m.local.set(firstX + v, m.v128.load32_splat(depth * (s * vectors + v), depth, i32(x)))),
      ...each(units, (u) => [
        m.local.set(w, m.v128.load(register * s + u * unitBytes, register, i32(weight))),
        ...each(vectors, (v) =>
          m.local.set(firstSum + u, relaxedDot(b, m, vector(firstX + v), field(v), vector(firstSum + u))),
        ),
      ]).flat(),
    ];
    const scaled = (u: number): number[] => {
      const scale = m.v128.load(register * steps + u * unitBytes, register, i32(weight));
      const sum = m.f32x4.convert_i32x4_s(vector(firstSum + u));
      return [m.local.set(firstTotal + u, relaxedMulAdd(b, m, sum, scale, vector(firstTotal + u)))];
    };
    const zero = m.v128.const(new Uint8Array(register) as unknown as number[]);
    const turn = m.loop(
      'turn',
      m.block(null, [
        ...each(units, (u) => m.local.set(firstSum + u, zero)),
        ...each(steps, step).flat(),
        ...each(units, scaled).flat(),
        m.local.set(weight, m.i32.add(i32(weight), m.i32.const(groupBytes))),
        m.local.set(x, m.i32.add(i32(x), m.i32.const(group))),
        m.br_if('turn', m.i32.lt_u(i32(x), m.i32.const(inputs))),
      ]),
    );
    const panel = m.block(null, [
      m.local.set(x, m.i32.const(0)),
      m.if(m.i32.ge_u(i32(weight), i32(end)), m.local.set(weight, m.i32.const(weightsAt))),
      turn,
      m.br_if('panel', m.local.tee(left, m.i32.sub(i32(left), m.i32.const(1)), b.i32)),
    ]);
    const total = each(units, (u) => vector(firstTotal + u)).reduce((sum, one) => m.v128.xor(sum, one));
    const code = m.block(
      null,
      [
        m.local.set(weight, m.i32.const(weightsAt)),
        m.local.set(end, m.i32.const(weightsAt + unitBytes)),
        m.local.set(mask, m.i8x16.splat(m.i32.const(2 ** bits - 1))),
        m.loop('panel', panel),
        m.i32x4.extract_lane(total, 0),
      ],
      b.i32,
    );
    const locals: binaryen.Type[] = [b.i32, b.i32, b.i32, ...each(firstTotal + units - mask, () => b.v128)];
    m.addFunction('run', b.createType([b.i32]), b.i32, locals, code);
    m.addFunctionExport('run', 'run');
  });
  // untouched pages would all be one page of zeros
  new Uint8Array((exports.memory as WebAssembly.Memory).buffer).fill(1);
  const run = exports.run as (panels: number) => number;
  return { name: `loop of ${bits} bits, ${from}`, run: () => ({ y: Int32Array.of(run(panels)) as TypedArray }) };
}
