import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { compareTensors } from './backendTest.ts';
import { execute } from './compiledTest.ts';
import { type Case, expectAgreement, fill, fixed, floats, type Input, modelOf } from './oneNode.ts';

// Attention of the domain com.microsoft, against onnxruntime itself.

const integers = (dtype: 'i32' | 'i64', shape: number[], values: readonly number[]): HostTensor => {
  let i = 0;
  const tensor = fill('i32', shape, () => values[i++] as number);
  if (dtype === 'i32') return tensor;
  return { dtype, shape, data: BigInt64Array.from(values, BigInt) };
};

/** Cosines and sines of 16 positions. */
const caches = (half: number): Input[] => [fixed(floats([16, half])), fixed(floats([16, half]))];

const rotary = (name: string, x: number[], positions: Input, attributes: Case['attributes'] = {}): Case => ({
  name: `RotaryEmbedding, ${name}`,
  op: 'RotaryEmbedding',
  inputs: [floats(x), positions, ...caches(4)],
  attributes,
});

const multiHead = (name: string, inputs: Input[], attributes: Case['attributes'] = {}, outputs = ['y']): Case => ({
  name: `MultiHeadAttention, ${name}`,
  op: 'MultiHeadAttention',
  inputs,
  attributes: { num_heads: 2, ...attributes },
  outputs,
});

const three = (queries = 3, keys = 5): Input[] => [
  floats([2, queries, 16]),
  floats([2, keys, 16]),
  floats([2, keys, 16]),
];

const grouped = (name: string, inputs: Input[], attributes: Case['attributes'] = {}): Case => ({
  name: `GroupQueryAttention, ${name}`,
  op: 'GroupQueryAttention',
  inputs,
  attributes: { num_heads: 4, kv_num_heads: 2, ...attributes },
  outputs: ['y', 'key', 'value'],
});

/** Inputs after the queries, keys and values: a past of `held` places, lengths less one, and the whole length. */
const cached = (held: number, lengths: readonly number[], total: number, size = 8): Input[] => [
  floats([2, 2, held, size]),
  floats([2, 2, held, size]),
  integers('i32', [2], lengths),
  fixed(integers('i32', [1], [total])),
];

const news = (count: number, size = 8): Input[] => [4, 2, 2].map((heads) => floats([2, count, heads * size]));

const cases: readonly Case[] = [
  rotary('positions of each element', [2, 3, 16], integers('i64', [2, 3], [4, 0, 2, 1, 7, 15])),
  rotary('positions from a start', [2, 3, 16], integers('i64', [1], [5])),
  rotary('four axes, interleaved', [2, 3, 4, 8], integers('i64', [1], [2]), { interleaved: 1 }),
  multiHead('of another sequence', three()),
  multiHead('with biases and a scale', [...three(), floats([48])], { scale: 0.3 }),
  multiHead('with a mask of keys', [...three(), undefined, integers('i32', [2, 5], [1, 1, 1, 0, 0, 1, 1, 1, 1, 0])]),
  multiHead('with lengths of keys', [...three(), undefined, integers('i32', [2], [3, 5])]),
  multiHead('with something added', [...three(), undefined, undefined, floats([1, 2, 3, 5])]),
  multiHead('causal', three(4, 4), { unidirectional: 1 }),
  multiHead(
    'with a past',
    [...three(3, 3), undefined, undefined, undefined, floats([2, 2, 4, 8]), floats([2, 2, 4, 8])],
    {},
    ['y', 'key', 'value'],
  ),
  grouped('a prompt', [
    ...news(5),
    undefined,
    undefined,
    integers('i32', [2], [4, 4]),
    fixed(integers('i32', [1], [5])),
  ]),
  grouped('one step', [...news(1), ...cached(4, [4, 4], 5)]),
  grouped('one step with angles', [...news(1, 16), ...cached(4, [4, 4], 5, 16), ...caches(8)], { do_rotary: 1 }),
  grouped(
    'a prompt with angles, interleaved',
    [
      ...news(5, 16),
      undefined,
      undefined,
      integers('i32', [2], [4, 4]),
      fixed(integers('i32', [1], [5])),
      ...caches(8),
    ],
    { do_rotary: 1, rotary_interleaved: 1 },
  ),
  grouped('batches of different length', [...news(1), ...cached(6, [4, 6], 7)]),
  grouped('a buffer for past and present, of one length', [...news(1), ...cached(8, [4, 6], 7)]),
  grouped('all in one tensor', [
    floats([2, 5, 64]),
    undefined,
    undefined,
    undefined,
    undefined,
    integers('i32', [2], [4, 4]),
    fixed(integers('i32', [1], [5])),
  ]),
  grouped('a window and capped scores', [...news(1), ...cached(6, [6, 6], 7)], { local_window_size: 3, softcap: 1.5 }),
];

describe('attention of com.microsoft', () => {
  it.each(cases)('$name', (one) => expectAgreement(one));

  it.each(cases)('$name, as a program', async (one) => {
    const bytes = modelOf(one);
    const given = Object.fromEntries(
      one.inputs.flatMap((input, i) => (input && !('fixed' in input) ? [[`x${i}`, input] as const] : [])),
    );
    const wanted = Object.values(interpret(importOnnx(bytes, { registry }), given));
    const got = await execute(importOnnx(bytes, { registry }), given);
    wanted.forEach((tensor, i) => {
      expect(compareTensors(got[i] as HostTensor, tensor, 1e-5)).toBeUndefined();
    });
  });
});
