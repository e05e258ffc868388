import { describe, expect, it } from 'vitest';
import { QcError } from '../../src/support/diagnostics.ts';
import { parse } from '../../src/text/index.ts';
import { registry } from '../golden/known.ts';

function diagnose(text: string, file?: string) {
  try {
    parse(text, { registry, file });
  } catch (error) {
    if (error instanceof QcError) return error.diagnostic;
    throw error;
  }
  throw new Error('the text was accepted');
}

const body = (line: string) => `func @main(%x: tensor<4xf32>) -> () {\n  ${line}\n}\n`;

const cases: readonly [name: string, text: string, what: RegExp, place: string, help?: RegExp][] = [
  ['an unknown op', body('%0 = nn.clmp %x : f32'), /no op 'nn.clmp'/, 'line 2, column 8', /'nn.clamp'/],
  ['an unknown value', body('nn.return %y'), /%y is not defined here/, 'line 2, column 13', /'%x'/],
  [
    'a value of an inner region',
    body('test.any ({ %a = test.any : f32 }) nn.return %a'),
    /%a is not/,
    'line 2, column 48',
  ],
  ['a value defined twice', body('%x = test.any : f32'), /%x is defined twice/, 'line 2, column 3'],
  ['a missing result type', body('%0 = nn.clamp %x'), /1 results and 0 result types/, 'line 2, column 8', /colon/],
  ['an unknown resource', body('test.any {a = @w}'), /@w is not declared/, 'line 2, column 17'],
  ['an unknown type', 'func @f(%x: f31) {}', /no type 'f31'/, 'line 1, column 13', /'f32'/],
  ['a bad shape', 'func @f(%x: tensor<4xq32>) {}', /'q' is not understood/, 'line 1, column 22', /dimensions such as/],
  ['a bad layout', 'func @f(%x: tensor<4x4xf32, #nhwc>) {}', /does not order 2 axes/, 'line 1, column 13'],
  ['an unknown layout', 'func @f(%x: tensor<4xf32, #nchw>) {}', /no layout #nchw/, 'line 1, column 27', /#order/],
  [
    'an unknown memory space',
    'kernel @k(%x: ref<f32, heap>) {}',
    /no memory space 'heap'/,
    'line 1, column 24',
    /arena/,
  ],
  [
    'unknown parameters',
    'func @f(%x: tensor<!quant<i8:f32, @q>>) {}',
    /no quantization parameters @q/,
    'line 1, column 35',
  ],
  ['a type without parameters', 'func @f(%x: tensor<!quant<i8:f32>>) {}', /needs its parameters/, 'line 1, column 20'],
  [
    'a bad part of a type',
    'func @f(%x: tensor<!quant.pending<i8:f32, axs=0>>) {}',
    /has no 'axs'/,
    'line 1, column 43',
    /'axis'/,
  ],
  ['scales that are no numbers', 'quant @q {scale = ["a"]}', /lists of numbers/, 'line 1, column 7', /zero_point/],
  [
    'zero points too few',
    'quant @q {scale = [1, 2], zero_point = [0]}',
    /2 scales and 1 zero points/,
    'line 1, column 7',
  ],
  ['bytes that are no base64', 'resource @w : i8[1] = base64 "?"', /not base64/, 'line 1, column 30'],
  ['bytes too few', 'resource @w : i8[4] = base64 "AQ=="', /1 bytes, its type needs 4/, 'line 1, column 30'],
  [
    'a resource declared twice',
    'quant @w {scale = [1]} resource @w : i8[4] = random(1)',
    /declared twice/,
    'line 1, column 33',
  ],
  ['an element type of no resource', 'resource @w : index[4] = random(1)', /no element type/, 'line 1, column 15'],
  ['a function defined twice', 'func @f() {} func @f() {}', /@f is defined twice/, 'line 1, column 19'],
  ['a function of dimensions', body('test.any {a = log(N, 2)}'), /no function 'log'/, 'line 2, column 17'],
  [
    'a quote that stays open',
    body('test.any {a = "b}'),
    /'"' is not understood/,
    'line 2, column 17',
    /ends on its line/,
  ],
  ['an escape', body('test.any {a = "\\q"}'), /escape/, 'line 2, column 17'],
  ['a missing value', body('test.any {a = }'), /expected .*a number.*found '}'/, 'line 2, column 17'],
  ['a text that ends', 'func @main(\n\n', /expected \), the text ends/, 'line 1, column 12'],
  ['something that is no function', '\nnn.clamp', /expected func, .*found 'nn.clamp'/, 'line 2, column 1'],
];

describe('parse errors', () => {
  it.each(cases)('name the place of %s', (_name, text, what, place, help) => {
    const diagnostic = diagnose(text);
    expect(diagnostic.what).toMatch(what);
    expect(diagnostic.where?.split(':')[0]).toBe(place);
    if (help) expect(diagnostic.help).toMatch(help);
  });

  it('show the line, and the file', () => {
    const { where } = diagnose(body('nn.return %y'), 'a.qir');
    expect(where).toBe('a.qir, line 2, column 13: nn.return %y');
  });
});
