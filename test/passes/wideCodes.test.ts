import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { rescale } from '../../dialects/int/rescale.ts';
import { launch } from '../../dialects/kernel/index.ts';
import { runPipeline } from '../../src/index.ts';
import { parse } from '../../src/text/index.ts';
import { cases } from '../differential/cases.ts';
import { check, ways } from '../differential/ways.ts';
import { registry } from '../golden/known.ts';

const many = cases.find(({ name }) => name === 'i8 matmul, every code in many products');

async function after(passes: string, target = wasmTarget) {
  const module = parse(many?.text ?? '', { registry });
  await runPipeline(module, passes, { target });
  return module;
}

async function widenings(target = wasmTarget) {
  const module = await after('uniform-shift,lower-kernels', target);
  return [...module.main.body.ops()].filter((op) => launch.is(op) && op.attributes.op === 'kernel.widen_codes');
}

describe('codes that are in many products', () => {
  it('are widened before them by kernels that are empty on relaxed machines', async () => {
    const made = await widenings();
    expect(made.map((op) => op.result.type)).toMatchObject([
      { shape: [75 * 23], element: 'i16' },
      { shape: [72 * 24], element: 'i16' },
    ]);
    for (const op of made) expect(Object.keys(launch.attributesOf(op).variants)).toEqual(['relaxed-simd']);
  });

  it('are not where there is no room', async () => {
    expect(await widenings({ ...wasmTarget, wideBytes: 4096 })).toEqual([]);
  });

  it.each(ways.map((way) => ({ way, name: way.name })))('give the same sums on $name', ({ way }) =>
    check(way, many as NonNullable<typeof many>),
  );
});

describe('a requantization of all channels by one multiplier', () => {
  it('knows the range of all their sums, and needs no bound', async () => {
    const module = await after('uniform-shift');
    const op = [...module.main.body.ops()].find((one) => rescale.is(one));
    expect(op).toBeDefined();
    expect(op?.operands.slice(2).filter((operand) => operand !== undefined)).toEqual([]);
  });
});
