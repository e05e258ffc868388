import { describe, expect, it } from 'vitest';
import { registry as opRegistry } from '../../dialects/index.ts';
import { mul } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { allPasses } from '../../passes/index.ts';
import { semantics } from '../../src/cli/semantics.ts';
import { type Module, Resource, Rewriter, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import {
  definePass,
  type Interpret,
  type Pass,
  runPipeline,
  type Sample,
  verifySemantics,
} from '../../src/pass/index.ts';
import { disagreement, realDisagreement } from '../../src/pass/instruments/compare.ts';
import { seededInputs } from '../../src/pass/instruments/inputs.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';
import { registry } from '../golden/known.ts';
import { passes, relu6 } from './modules.ts';

/** Runs the chain of clamps that the test modules are. */
const interpret: Interpret = (module, inputs) => {
  const x = inputs.x as HostTensor;
  let data = x.data as Float32Array;
  for (const op of module.ops()) {
    if (!clamp.is(op)) continue;
    const { min, max } = clamp.attributesOf(op);
    data = data.map((v) => Math.min(Math.max(v, min), max));
  }
  return { y: { ...x, data } };
};

const sample = { x: { dtype: 'f32' as const, shape: [1, 8], data: Float32Array.of(-1, 0, 1, 2, 3, 4, 5, 6) } };
const run = (pipeline: string, inputs = [sample]) =>
  runPipeline(relu6(), pipeline, { passes, registry, instruments: [verifySemantics({ interpret, registry, inputs })] });

describe('verifySemantics', () => {
  it('accepts passes that keep their promise', async () => {
    await run('nothing,set-max{max=6},about-max{max=5.5},noisy-max{max=5.2}');
  });

  it('names the pass, the output and the largest difference', async () => {
    const failure = run('nothing,set-max{max=5.5}');
    await expect(failure).rejects.toThrow(
      "the pass 'set-max' changes the results: output 'y' differs by up to 0.5 (element 7: 6 before, 5.5 after); the same bits are promised",
    );
  });

  it('holds a pass to its tolerance and to its signal-to-noise ratio', async () => {
    await expect(run('about-max{max=5}')).rejects.toThrow(/'about-max'.*up to 1 .*0\.1 of the range 6 is promised/);
    await expect(run('noisy-max{max=4}')).rejects.toThrow(
      /'noisy-max'.*of the signal's power is noise, 0\.01 \(20 dB\)/,
    );
  });

  it('compares each pass with the one before it, on inputs of its own', async () => {
    const own = verifySemantics({ interpret, registry });
    const fails = runPipeline(relu6(), 'nothing,set-max{max=0.25}', { passes, registry, instruments: [own] });
    await expect(fails).rejects.toThrow(
      /'set-max' changes the results: output 'y' differs by up to 0\.\d+ \(element \d+: 0\.\d+ before, 0\.25 after\)/,
    );
    await runPipeline(relu6(), 'about-max{max=5.5}', { passes, registry, instruments: [own] });
  });

  it('sees at the edges what ordinary inputs do not show, and asks no stated loss of them', async () => {
    await expect(run('set-max{max=7}')).rejects.toThrow(/'set-max'.*\(element \d+: 6 before, 7 after\)/);
    const own = [verifySemantics({ interpret, registry })];
    const onRandom = (pipeline: string) => runPipeline(relu6(), pipeline, { passes, registry, instruments: own });
    await expect(onRandom('set-max{max=1}')).rejects.toThrow(/'set-max'.*\(element \d+: 6 before, 1 after\)/);
    await onRandom('noisy-max{max=1}');
  });
});

describe('a stated loss', () => {
  const layers = 20;
  const chain = (): Module => {
    const steps = Array.from(
      { length: layers },
      (_, i) => `  %${i + 1} = nn.mul %${i}, %c : tensor<8xf32> loc("layer${i}")\n`,
    );
    return parse(
      `resource @one : f32[1] = random(1, 1, 1)
func @main(%x: tensor<8xf32>) -> (%y: tensor<8xf32>) {
  %c = nn.constant {value = @one} : tensor<1xf32>
  %0 = nn.neg %x : tensor<8xf32> loc("first")
${steps.join('')}  nn.return %${layers}
}`,
      { registry: opRegistry },
    );
  };
  /** Multiplies what each layer gives by a factor. */
  const stretching = (factorOf: (layer: string) => number): Pass =>
    definePass({
      name: 'stretch',
      summary: '',
      phase: 'quantize',
      preserves: { snr: 20 },
      run(module) {
        for (const op of [...module.main.body.ops()]) {
          if (!mul.is(op)) continue;
          const rewriter = new Rewriter().before(op);
          const value = Resource.of('factor', 'f32', Float32Array.of(factorOf(op.source)));
          const { result } = rewriter.create(constant, {}, { value }, { types: [tensor([1], 'f32')] });
          rewriter.setOperand(op, 1, result);
        }
      },
    });
  const through = (pass: Pass) =>
    runPipeline(chain(), pass.name, { passes: [pass], registry: opRegistry, instruments: [semantics(undefined)] });

  it('is one of each layer: that of all of them adds up', () => through(stretching(() => 1.05)));

  it('is not exceeded by a single layer, which is named', async () => {
    const failure = through(stretching((layer) => (layer === `layer${layers - 1}` ? 1.5 : 1.05)));
    await expect(failure).rejects.toThrow("the pass 'stretch' changes the results: output 'y' differs by up to");
    await expect(failure).rejects.toThrow(`first in layer 'layer${layers - 1}' (nn.mul)`);
  });

  it('may be more where nothing minds what a layer gives', async () => {
    const pass = stretching((layer) => (layer === 'layer3' ? 1.5 : layer === 'layer4' ? 1 / 1.5 : 1));
    await through(pass);
  });

  it('is at least what rounding to codes takes', () => {
    const [tiny, zero] = [Float64Array.of(0.1, -0.2, 0.3), new Float64Array(3)];
    expect(realDisagreement(tiny, zero, { snr: 20 }, 1)).toBeUndefined();
    expect(realDisagreement(tiny, zero, { snr: 20 }, 0.1)?.what).toMatch(/20 dB/);
    expect(realDisagreement(tiny, zero, { snr: 20 })?.what).toMatch(/20 dB/);
  });
});

describe('a pass that changes what @main takes', () => {
  const changing = (name: string, change: (module: Module) => void): Pass =>
    definePass({ name, summary: '', phase: 'import', preserves: 'bits', run: change });
  const takesOne = (module: Module) => {
    const bind = ({ element, layout }: TensorType) => tensor([1, 8], element, layout);
    for (const value of [module.main.body.args[0], module.main.body.first?.result] as Value[]) {
      new Rewriter().retype(value, bind(value.type as TensorType));
    }
    module.main.resultTypes = module.main.resultTypes.map((type) => bind(type as TensorType));
    module.symbols.clear();
  };
  const found = [
    changing('bind', takesOne),
    changing('bind-wrong', (module) => {
      takesOne(module);
      for (const op of module.ops()) if (clamp.is(op)) op.attributes = { ...op.attributes, max: 0.25 };
    }),
    changing('rename', (module) => {
      (module.main.body.args[0] as Value).name = 'z';
    }),
  ];
  const through = (pipeline: string) =>
    runPipeline(relu6(), pipeline, { passes: found, registry, instruments: [semantics(undefined)] });

  it('is compared on the sizes after it, and passed over when the names are others', async () => {
    await through('bind,rename');
    await expect(through('bind-wrong')).rejects.toThrow(/'bind-wrong' changes the results: output 'y' differs/);
  });
});

describe('a pass that leaves casts to the caller', () => {
  const text = `quant @q {scale = [0.5], zero_point = [3]}
func @main(%x: tensor<8xf32>) -> (%y: tensor<8xf32>) {
  %0 = quant.qcast %x : tensor<8x!quant<i8:f32, @q>>
  %1 = quant.dcast %0 : tensor<8xf32>
  nn.return %1
}`;
  it.each([
    ['inputs of its own', undefined],
    ['samples', sample.x.data],
  ])('is compared in real numbers, on %s', async (_, data) => {
    const given = data && [{ x: { ...sample.x, shape: [8], data } }];
    const dataset = given && {
      length: 1,
      inputs: ['x'],
      sample: () => given[0] as Sample,
      [Symbol.iterator]: () => given[Symbol.iterator](),
    };
    const module = parse(text, { registry });
    await runPipeline(module, 'integer-border{border=int}', {
      passes: allPasses,
      registry,
      instruments: [semantics(dataset)],
    });
    expect(module.main.body.first?.name).toBe('nn.return');
  });
});

describe('a model that does not run on random inputs', () => {
  it('is said to be one, before any pass', async () => {
    const refusing = () => {
      throw new QcError({ what: 'the shapes [2] and [3] do not fit together' });
    };
    const instruments = [verifySemantics({ interpret: refusing, registry })];
    await expect(runPipeline(relu6(), 'nothing', { passes, registry, instruments })).rejects.toThrow(
      /does not run on random inputs: the shapes \[2\] and \[3\] do not fit together/,
    );
  });
});

describe('seeded inputs', () => {
  const module = (args: string): Module =>
    parse(`symbol N in 3..64\nsymbol M in 1..1\nfunc @main(${args}) -> () { nn.return }`, { registry });

  it('are the same for the same seed, with symbols inside their bounds', () => {
    const made = module('%x: tensor<Nx(N*2+1)xMxKxf32>');
    const { x } = seededInputs(made, 1);
    expect(x?.shape).toEqual([3, 7, 1, 2]);
    expect(x).toEqual(seededInputs(made, 1).x);
    expect(x).not.toEqual(seededInputs(made, 2).x);
  });

  it('are codes where the argument is quantized, and 0 or 1 for wide integers', () => {
    const text =
      'quant @q {scale = [0.5]}\nfunc @main(%a: tensor<400x!quant<u8:f32, @q>>, %b: tensor<40xi64>) -> () { nn.return }';
    const { a, b } = seededInputs(parse(text, { registry }), 1);
    expect(a).toMatchObject({ dtype: 'u8', shape: [400] });
    expect(Math.max(...Array.from(a?.data ?? [], Number))).toBeGreaterThan(240);
    expect(b?.dtype).toBe('i64');
    expect(new Set(b?.data as BigInt64Array)).toEqual(new Set([0n, 1n]));
  });
});

describe('the comparison', () => {
  const f32 = (...values: number[]): HostTensor => ({
    dtype: 'f32',
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const i8 = (...values: number[]): HostTensor => ({
    dtype: 'i8',
    shape: [values.length],
    data: Int8Array.from(values),
  });

  it('of bits tells zeros apart and takes a NaN for itself', () => {
    expect(disagreement(f32(NaN, 0), f32(NaN, 0), 'bits', 1)).toBeUndefined();
    expect(disagreement(f32(0), f32(-0), 'bits', 1)?.what).toMatch(/element 0/);
  });

  it('of quanta counts codes, or steps of the scale', () => {
    expect(disagreement(i8(1, 5), i8(1, 6), { quanta: 1 }, 1)).toBeUndefined();
    expect(disagreement(i8(1, 5), i8(1, 7), { quanta: 1 }, 1)?.what).toMatch(
      /up to 2 \(element 1: 5 before, 7 after\)/,
    );
    expect(disagreement(f32(0.1), f32(0.2), { quanta: 1 }, Math.fround(0.1))).toBeUndefined();
    expect(disagreement(f32(0.1), f32(0.3), { quanta: 1 }, Math.fround(0.1))?.what).toMatch(/1 quanta/);
  });

  it('decodes f16', () => {
    const f16 = (...bits: number[]): HostTensor => ({
      dtype: 'f16',
      shape: [bits.length],
      data: Uint16Array.from(bits),
    });
    expect(disagreement(f16(0x3c00, 0x4000), f16(0x3c00, 0x3c00), { tolerance: 0.5 }, 1)?.what).toMatch(
      /2 before, 1 after/,
    );
  });

  it('refuses another shape, another type, and a NaN where there was a number', () => {
    expect(disagreement(f32(1, 2), f32(1), 'bits', 1)?.what).toMatch(/shape \[1\], before it was \[2\]/);
    expect(disagreement(i8(1), f32(1), 'bits', 1)?.what).toMatch(/is f32, before it was i8/);
    expect(disagreement(f32(1, 2), f32(NaN, 2), { snr: 1 }, 1)?.what).toMatch(/NaN after/);
  });
});
