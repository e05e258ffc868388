import { attr, defineOp, storageOf, type TensorType, withElement } from '../../src/ir/index.ts';
import { decodeF16 } from '../../src/numerics/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { attend, attentionType } from '../nn/attention.ts';
import { decodedRows } from './rowCodes.ts';
import { rowsType } from './rowDcast.ts';

/** nn.attention whose keys and values are rows of codes, as quant.row_dcast reads them, or floats of 16 bits. */
export const storedAttention = defineOp({
  name: 'quant.attention',
  summary: 'nn.attention on keys and values as caches store them: codes with scales of groups of their rows, or f16.',
  operands: {
    ...({ query: 'required', key: 'required', value: 'required', bias: 'optional' } as const),
    ...({ key_scale: 'optional', key_low: 'optional', value_scale: 'optional', value_low: 'optional' } as const),
  },
  attributes: { scale: attr.float(1), zeros: attr.bool(false) },
  domain: 'codes',
  infer: ({ query, key, value, key_scale, key_low, value_scale, value_low }) =>
    attentionType(query, rows(key, key_scale, key_low), rows(value, value_scale, value_low)),
  evaluate: ({ query, key, value, bias, key_scale, key_low, value_scale, value_low }, attributes) =>
    attend(
      { query, key: numbers(key, key_scale, key_low), value: numbers(value, value_scale, value_low), bias },
      attributes,
    ),
  lower: { kind: 'template', template: 'attention' },
});

const rows = (codes: TensorType, scale: TensorType | undefined, low: TensorType | undefined): TensorType =>
  scale ? rowsType(codes, scale, low) : withElement(codes, storageOf(codes.element) === 'f16' ? 'f32' : codes.element);

function numbers(codes: HostTensor, scale: HostTensor | undefined, low: HostTensor | undefined): HostTensor {
  if (scale) return decodedRows({ codes, scale, low });
  if (codes.dtype !== 'f16') return codes;
  return { ...codes, dtype: 'f32', data: Float32Array.from(codes.data as Uint16Array, decodeF16) };
}
