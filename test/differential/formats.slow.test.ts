import { describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cTarget } from '../../backends/c/target.ts';
import { cudaTarget } from '../../backends/cuda/target.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { storeMatrix } from '../../passes/quantize/storedWeights.ts';
import { runC } from '../../src/cli/host/c.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { formats } from '../../src/numerics/index.ts';
import type { WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing } from '../c/program.ts';
import { missingShim, runOnShim } from '../cuda/shim.ts';
import { missingWebGpu, runOnDawn } from '../wgsl/dawn.ts';
import { type FormatCase, formatCases, formatProgram, formatWeights } from './formatCases.ts';
import { planFor } from './run.ts';
import { expectSame } from './same.ts';
import { ways } from './ways.ts';

// Every number format on every kernel that multiplies by stored weights, on every target.

interface Engine {
  readonly name: string;
  readonly absent: string;
  /** A quick run takes one of so many formats. */
  readonly every: number;
  run(module: Module, inputs: readonly HostTensor[]): HostTensor[] | Promise<HostTensor[]>;
}

const engines: readonly Engine[] = [
  {
    name: 'interpreter',
    absent: '',
    every: 1,
    run: (module, inputs) => Object.values(interpret(module, named(module, inputs))),
  },
  ...ways
    .filter(({ name }) => name.startsWith('wasm'))
    .map(({ name, target, run }): Engine => {
      return { name, absent: '', every: 4, run: async (module, inputs) => run(await planFor(module, target), inputs) };
    }),
  {
    name: 'C',
    absent: missing('cc'),
    every: 9,
    run: async (module, inputs) => runC(emitC(await planFor(module, cTarget), { name: 'net' }), inputs),
  },
  {
    name: 'WGSL',
    absent: missingWebGpu,
    every: 18,
    run: async (module, inputs) => runOnDawn(await planFor(module, wgslTarget), inputs),
  },
  {
    name: 'CUDA on the CPU',
    absent: missingShim,
    every: 9,
    run: async (module, inputs) => runOnShim(await planFor(module, cudaTarget), inputs),
  },
];

const named = ({ main }: Module, inputs: readonly HostTensor[]) =>
  Object.fromEntries(main.body.args.map((arg, i) => [arg.name ?? '', inputs[i] as HostTensor]));

async function check(engine: Engine, format: FormatCase): Promise<void> {
  const { module, inputs, expected, exact } = formatProgram(format);
  const found = await engine.run(module, inputs);
  expectSame(found, expected, 1e-5);
  // the interpreter adds groups in f64
  if (exact > 0 && engine.name !== 'interpreter') expectSame(found.slice(-exact), expected.slice(-exact), 0);
}

engines.forEach((engine, turn) => {
  describe.skipIf(engine.absent)(`formats on ${engine.name}${engine.absent}`, () => {
    const some = formatCases.filter((_, i) => process.env.QC_FULL || i % engine.every === turn % engine.every);
    it.each(some)('$name', (format) => check(engine, format), 300_000);
  });
});

describe('integer products', () => {
  it('are there for every format of numbers with a common divisor', () => {
    const without = formatCases.filter((format) => formatProgram(format).exact === 0).map(({ name }) => name);
    expect(without.filter((name) => !/^(e5m2|mx e5m2|nf4|kmeans|float)/.test(name))).toEqual([]);
  });
});

const { mxfp4, mxfp6, mxfp6e3m2, mxfp8, mxfp8e5m2, mxint8 } = formats;
const microscaled: Partial<Record<string, formats.BlockFormat>> = {
  ...{ e2m1: mxfp4, e2m3: mxfp6, e3m2: mxfp6e3m2, e4m3: mxfp8, e5m2: mxfp8e5m2, i8: mxint8 },
};

/** The format that a scheme is, in `src/numerics`. */
function formatOf({ storage, group = 0, scale, mixed }: WeightScheme): formats.BlockFormat | undefined {
  const bits = Number(/\d$/.exec(storage)?.[0]);
  const { e2m1, e2m3, e3m2, e4m3, e5m2, nf4 } = formats;
  const grid = ({ e2m1, e2m3, e3m2, e4m3, e5m2, nf4 } as Partial<Record<string, formats.Grid>>)[storage];
  if (scale === 'power-of-two') return microscaled[storage];
  if (scale === 'integer' || mixed) return undefined;
  if (scale === 'e4m3') return storage === 'i4' ? formats.nvint4 : formats.nvfp4;
  if (scale === 'shared-exponent') return formats.sharedExponentFormat(bits, group);
  if (storage === 'ternary') return formats.ternaryFormat(group);
  if (grid) return formats.scaledFormat(grid, group);
  if (storage.startsWith('bipolar')) return formats.scaledFormat(formats.bipolarGrid(bits), group);
  if (storage.startsWith('pot')) return formats.scaledFormat(formats.powerOfTwoGrid(bits), group);
  return /^i\d$/.test(storage) ? formats.integerFormat(bits, group) : undefined;
}

describe('what schemes store', () => {
  const known = formatCases.filter(({ scheme }) => scheme.symmetric && formatOf(scheme));
  it.each(known)('$name: the numbers of the format', ({ scheme }) => {
    const weights = formatWeights();
    const [inputs, outputs] = weights.shape as [number, number];
    const data = weights.data as Float32Array;
    const { numbers } = storeMatrix(weights, scheme);
    const format = formatOf(scheme) as formats.BlockFormat;
    const whole = Math.max(...data.map(Math.abs));
    for (let n = 0; n < outputs; n++) {
      const column = Float32Array.from({ length: inputs }, (_, k) => data[k * outputs + n] as number);
      const wanted = formats.decodeRow(formats.encodeRow(column, format, whole), format);
      const isZero = (k: number) =>
        k < (scheme.group as number) && column.subarray(0, scheme.group).every((v) => v === 0);
      wanted.forEach((value, k) => {
        const found = numbers[k * outputs + n] as number;
        // a group of zeros has a scale of its own where the grid has no zero
        if (isZero(k)) expect(Math.abs(found)).toBeLessThan(1e-34);
        else expect(found).toBe(value);
      });
    }
  });
});
