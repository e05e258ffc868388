import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clamp } from '../../dialects/nn/clamp.ts';
import { Func, Module, mulDim, Resource, Rewriter, symbol, tensor } from '../../src/ir/index.ts';
import { shapeDimText } from '../../src/text/dims.ts';
import { parse, printModule, RandomResource } from '../../src/text/index.ts';
import { f32Text, numberText } from '../../src/text/numbers.ts';
import { any, registry } from '../golden/known.ts';
import { module } from './arbitrary.ts';

const again = (text: string, bin?: Uint8Array) => printModule(parse(text, { registry, bin }));

/** A module with one op that holds `resource`. */
function moduleOf(...resources: Resource[]): Module {
  const made = new Module();
  const func = made.addFunction(new Func('main'));
  for (const a of resources) new Rewriter().atEnd(func.body).create(any, { xs: [] }, { a }, { types: [] });
  return made;
}

const attributesOf = (made: Module) => [...made.ops()].map((op) => op.attributes.a as Resource);
const firstAttribute = (made: Module) => attributesOf(made)[0] as Resource;

describe('round trip', () => {
  it('of any module gives the same text and the same companion bytes', () => {
    fc.assert(
      fc.property(module, (made) => {
        const { text, bin } = printModule(made);
        expect(again(text, bin)).toEqual(bin ? { text, bin } : { text });
      }),
    );
  });

  it('keeps the objects that text names: dimensions, types and parameters are identical', () => {
    fc.assert(
      fc.property(module, (made) => {
        const { text, bin } = printModule(made);
        const read = parse(text, { registry, bin });
        const typesOf = (m: Module) => [...m.ops()].flatMap((op) => op.results.map((r) => r.type));
        typesOf(read).forEach((type, i) => {
          expect(type).toBe(typesOf(made)[i]);
        });
        const numbersOf = (m: Module) => [...m.ops()].map((op) => op.attributes.n ?? 2);
        expect(numbersOf(read)).toEqual(numbersOf(made));
        const sourcesOf = (m: Module) => [...m.ops()].map((op) => op.source);
        expect(sourcesOf(read)).toEqual(sourcesOf(made));
      }),
    );
  });

  it('tells symbols with an x from dimensions beside each other', () => {
    const [joined, apart] = [tensor([symbol('axb')], 'f32'), tensor([symbol('a'), symbol('b')], 'f32')];
    expect(joined).not.toBe(apart);
    const made = new Module();
    made.addFunction(new Func('main', 'func', ['p', 'q'], [joined, apart]));
    const text = printModule(made).text;
    expect(text).toContain('(%p: tensor<(axb)xf32>, %q: tensor<axbxf32>)');
    expect(parse(text, { registry }).main.resultTypes).toEqual([joined, apart]);
  });

  it('quotes symbols that are no identifiers', () => {
    expect(shapeDimText(mulDim(symbol('batch size'), 2))).toBe('("batch size"*2)x');
    expect(shapeDimText(symbol('17'))).toBe('("17")x');
  });
});

describe('numbers', () => {
  it('in f32 are exact, and no shorter decimal is', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const text = f32Text(value);
        const read = text.endsWith('inf') ? Number(text.replace('inf', 'Infinity')) : Number(text);
        expect(Object.is(Math.fround(read), value)).toBe(true);
        expect(text.length).toBeLessThanOrEqual(numberText(value).length);
      }),
    );
    expect(f32Text(Math.fround(0.1))).toBe('0.1');
    expect(f32Text(Math.fround(1 / 3))).toBe('0.33333334');
  });
});

describe('resources', () => {
  it('of 4 KB stand in the text, larger ones in the companion', () => {
    const small = Resource.of('small', 'f32', new Float32Array(1024).fill(1.5));
    const large = Resource.of(
      'large',
      'f64',
      new Float64Array(513).map((_, i) => i),
    );
    const { text, bin } = printModule(moduleOf(small, large, large));
    expect(text).toMatch(/resource @small : f32\[1024\] = base64 "/);
    expect(text).toMatch(/resource @large : f64\[513\] = file 0 "[0-9a-f]{8}"/);
    expect(bin?.length).toBe(4112);
    const read = parse(text, { registry, bin });
    expect(attributesOf(read).map((one) => one.data())).toEqual([small.data(), large.data(), large.data()]);
  });

  it('refuse a companion file that is absent, short or changed', () => {
    const { text, bin } = printModule(moduleOf(Resource.of('w', 'u8', new Uint8Array(5000))));
    const changed = bin?.slice().fill(1, 7, 8);
    expect(() => parse(text, { registry })).toThrow(/the bytes of @w are in a companion file that was not given/);
    expect(() => parse(text, { registry, bin: bin?.subarray(9) })).toThrow(/@w lies beyond the end of the companion/);
    expect(() => parse(text, { registry, bin: changed })).toThrow(/the bytes of @w in the companion file have changed/);
  });

  it('may be random: the same for the same seed, in the range, and kept in that form', () => {
    const text = moduleText('resource @w : f32[1000] = random(7, 0.5, 2)');
    const [a, b] = [firstAttribute(parse(text, { registry })), firstAttribute(parse(text, { registry }))];
    expect(a).toBeInstanceOf(RandomResource);
    expect(a.data()).toEqual(b.data());
    const values = [...(a.data() as Float32Array)];
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...values)).toBeLessThan(2);
    expect(values.reduce((sum, v) => sum + v) / 1000).toBeCloseTo(1.25, 1);
    expect(again(text).text).toBe(text);
  });

  it('random codes fill the range of their type', () => {
    const codes = firstAttribute(parse(moduleText('resource @w : i4[2000] = random(1)'), { registry })).data();
    expect([...new Set(codes as Int8Array)].sort((p, q) => p - q)).toEqual(Array.from({ length: 16 }, (_, i) => i - 8));
  });

  it('are replaced by random values on request', () => {
    const made = moduleOf(Resource.of('w', 'i8', new Int8Array(5000)));
    expect(printModule(made, { weights: 'random' })).toEqual({
      text: moduleText('resource @w : i8[5000] = random(1)'),
    });
  });
});

const moduleText = (resource: string) => `${resource}\n\nfunc @main() -> () {\n  test.any {a = @w}\n}\n`;

describe('size', () => {
  it('prints and parses in linear time', () => {
    const build = (count: number) => {
      const made = new Module();
      const type = tensor([symbol('N'), 8, 28, 28], 'f32');
      const func = made.addFunction(new Func('main', 'func', ['y'], [type]));
      let x = func.body.addArgument(type, 'x');
      const rewriter = new Rewriter().atEnd(func.body);
      for (let i = 0; i < count; i++) {
        x = rewriter.create(clamp, { x }, { min: 0, max: i }, { name: 'y', source: `Relu_${i}` }).result;
      }
      return made;
    };
    const time = (count: number) => {
      const made = build(count);
      const start = performance.now();
      again(printModule(made).text);
      return performance.now() - start;
    };
    time(1000);
    const [short, long] = [Math.min(time(1000), time(1000), time(1000)), Math.min(time(5000), time(5000))];
    expect(long / short).toBeLessThan(20);
  });
});
