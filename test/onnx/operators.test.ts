import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { Mappings, refusedOperators } from '../../src/onnx/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type Case, expectAgreement, fixed, floats, type Input } from './oneNode.ts';

// Operators of the standard domain that are written as other ops, or that the ONNX backend tests hardly vary, against
// onnxruntime.

const integers = (values: number[], shape = [values.length]): HostTensor => ({
  dtype: 'i64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

type Attributes = NonNullable<Case['attributes']>;
const standard = (name: string, op: string, inputs: readonly Input[], attributes: Attributes = {}): Case => ({
  name,
  op,
  domain: '',
  inputs,
  attributes,
});

const transposed: readonly Case[] = [
  standard('stride 3, kernel 2', 'ConvTranspose', [floats([1, 2, 4]), fixed(floats([2, 3, 2]))], { strides: [3] }),
  standard(
    'stride 2, kernel 3, groups, bias, output padding',
    'ConvTranspose',
    [floats([2, 4, 5, 3]), fixed(floats([4, 2, 3, 3])), fixed(floats([4]))],
    { strides: [2, 2], pads: [1, 1, 0, 1], output_padding: [1, 0], group: 2 },
  ),
  standard('dilated', 'ConvTranspose', [floats([1, 2, 4, 5]), fixed(floats([2, 1, 2, 3]))], {
    strides: [2, 1],
    dilations: [3, 2],
  }),
  standard('three axes', 'ConvTranspose', [floats([1, 2, 3, 2, 4]), fixed(floats([2, 2, 3, 2, 1]))], {
    strides: [2, 3, 1],
  }),
  standard('auto_pad', 'ConvTranspose', [floats([1, 1, 4, 4]), fixed(floats([1, 1, 3, 3]))], {
    strides: [2, 2],
    auto_pad: 'SAME_UPPER',
  }),
];

const equations: readonly (readonly [string, ...number[][]])[] = [
  ['ij,jk->ki', [3, 4], [4, 5]],
  ['...ij,...jk->...ik', [2, 5, 3, 4], [2, 5, 4, 2]],
  ['iij->ji', [3, 3, 2]],
  ['ij,ij->', [3, 4], [3, 4]],
  ['abc,cd,de->abe', [2, 3, 4], [4, 5], [5, 2]],
  ['bhwij,bhwj->bhwi', [1, 2, 2, 3, 4], [1, 2, 2, 4]],
  ['ba', [2, 3]],
];

const einsums = equations.map(([equation, ...shapes]) =>
  standard(
    equation,
    'Einsum',
    shapes.map((shape) => floats(shape)),
    { equation },
  ),
);

const spectra: readonly Case[] = [
  standard('one side', 'DFT', [floats([2, 9, 1])], { axis: 1, onesided: 1 }),
  standard('complex, cut to 5', 'DFT', [floats([2, 8, 3, 2]), fixed(integers([5], []))], { axis: 1 }),
  standard('of 2·3·11 points', 'DFT', [floats([1, 66, 2])], { axis: 1 }),
  standard('of 2·4·4 real points', 'DFT', [floats([3, 32, 1])], { axis: 1 }),
  standard('of a prime number', 'DFT', [floats([3, 17, 2])], { axis: 1 }),
  standard('of half of the frequencies', 'DFT', [floats([2, 7, 2])], { axis: 1, inverse: 1, onesided: 1 }),
  standard('inverse', 'DFT', [floats([2, 6, 2])], { axis: 1, inverse: 1 }),
  standard('frames', 'STFT', [floats([2, 40, 1]), fixed(integers([3], [])), fixed(floats([8]))]),
];

const samples = ['bilinear', 'nearest', 'bicubic'].flatMap((mode) =>
  ['zeros', 'border', 'reflection'].map((padding_mode, align_corners) =>
    standard(`${mode}, ${padding_mode}`, 'GridSample', [floats([2, 3, 4, 5]), floats([2, 3, 3, 2], 3)], {
      mode,
      padding_mode,
      align_corners: align_corners % 2,
    }),
  ),
);

const indexed = ['add', 'mul'].map((reduction) =>
  standard(
    `${reduction}, with indices that repeat`,
    'ScatterElements',
    [floats([3, 4]), fixed(integers([0, 1, 0, -1, 1, 1, 2, 0], [2, 4])), floats([2, 4])],
    { reduction },
  ),
);

describe.each([
  ['ConvTranspose', transposed],
  ['Einsum', einsums],
  ['Fourier transforms', spectra],
  ['GridSample', samples],
  ['ScatterElements', indexed],
] as const)('%s', (_, cases) => {
  it.each(cases.map((entry) => [entry.name, entry] as const))('%s', (_name, entry) => expectAgreement(entry));
});

describe('operators that are refused on purpose', () => {
  const mappings = new Mappings(registry);
  it.each(refusedOperators.map((entry) => [entry.domain ?? '', entry.op, entry] as const))(
    '%s %s: the error says why',
    (domain, op, { why, help }) => {
      const find = () => mappings.find(op === '*' ? 'Any' : op, domain, 21, 'a_node');
      expect(find).toThrow(/a_node/);
      expect(find).toThrow(why);
      expect(find).toThrow(help);
    },
  );
});
