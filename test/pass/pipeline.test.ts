import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attr } from '../../src/ir/index.ts';
import {
  definePass,
  type OptionValue,
  type Pass,
  PassRegistry,
  parsePipeline,
  printPipeline,
} from '../../src/pass/index.ts';

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Infinity, -Infinity, NaN));
const value: fc.Arbitrary<OptionValue> = fc.letrec<{ value: OptionValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    number,
    fc.boolean(),
    fc.string(),
    fc.constantFrom('mse', 'true', 'inf', 'nan', "it's", 'w8a8', 'per-channel'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value;
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const pipeline = fc.array(
  fc.record({ pass: word, options: fc.dictionary(word, value, { maxKeys: 3, noNullPrototype: true }) }),
  { maxLength: 4 },
);

describe('the text of a pipeline', () => {
  it('reads as it is written in documentation', () => {
    const text =
      'import-onnx, fold-batch-norm ,calibrate{observer=mse},quantize{weights=i8,axis=0,skip=["conv 1", fc],x=-1.5e3}';
    expect(parsePipeline(text)).toEqual([
      { pass: 'import-onnx', options: {} },
      { pass: 'fold-batch-norm', options: {} },
      { pass: 'calibrate', options: { observer: 'mse' } },
      { pass: 'quantize', options: { weights: 'i8', axis: 0, skip: ['conv 1', 'fc'], x: -1500 } },
    ]);
  });

  it('may be empty', () => expect(parsePipeline('  ')).toEqual([]));

  it('round-trips, and stands between single quotes of a shell', () => {
    fc.assert(
      fc.property(pipeline, (steps) => {
        const text = printPipeline(steps);
        expect(text).not.toContain("'");
        expect(parsePipeline(text)).toEqual(steps);
      }),
    );
  });

  it.each([
    ['a,', /expected a pass's name, the text ends/, /column 3/],
    ['a b', /expected ',' or the end, found 'b'/, /column 3/],
    ['a{b}', /expected '=', found '}'/, /column 4/],
    ['a{b=1', /expected '}', the text ends/, /column 6/],
    ['a{b=[1 2]}', /expected ']', found '2\]}'/, /column 8/],
    ['a{b=?}', /expected a value/, /column 5/],
    ['a{=1}', /expected an option's name/, /column 3/],
  ])('%s is refused', (text, what, where) => {
    expect(() => parsePipeline(text)).toThrow(what);
    expect(() => parsePipeline(text)).toThrow(where);
  });
});

describe('a registry of passes', () => {
  const pass: Pass = definePass({
    name: 'quantize',
    summary: 'For this test.',
    phase: 'quantize',
    options: {
      bits: attr.int(),
      axis: attr.int(0),
      observer: attr.oneOf(['mse', 'minmax'], 'mse'),
      skip: attr.strings([]),
    },
    preserves: 'bits',
    run: () => {},
  });
  const registry = new PassRegistry([pass]);
  const bind = (text: string) => () => registry.bind(parsePipeline(text));

  it('binds steps to passes', () => {
    const text = 'quantize{bits=8,observer=minmax,skip=[a, "b c"]}';
    expect(bind(text)()).toEqual([{ pass, options: { bits: 8, observer: 'minmax', skip: ['a', 'b c'] } }]);
  });

  it.each([
    ['quantise{bits=8}', /no pass 'quantise'\n.*did you mean 'quantize'/],
    ['quantize', /needs the option 'bits'/],
    ['quantize{bits=8,axes=1}', /no option 'axes'\n.*\n.*did you mean 'axis'/],
    ['quantize{bits=8.5}', /option 'bits' of pass 'quantize' must be int/],
    ['quantize{bits=8,observer=max}', /'observer' of pass 'quantize' must be mse\|minmax/],
    ['quantize{bits=8,toString=1}', /no option 'toString'\n.*\n.*it has bits, axis, observer, skip/],
  ])('%s is refused', (text, message) => expect(bind(text)).toThrow(message));
});
