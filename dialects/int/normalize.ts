import { attr, defineOp, staticShape, storageOf, type TensorType } from '../../src/ir/index.ts';
import { type NormConstants, normRow } from '../../src/numerics/index.ts';
import { typedArrayOf } from '../../src/support/tensor.ts';

/** The normalization of contiguous rows of `length` codes, as the numeric contract defines norms, all factors being 1. */
export const normalize = defineOp({
  name: 'int.normalize',
  summary:
    'y = clamp(((a·m + 2^(s−1)) >> s) + z), a = (d·R) >> (k − 30), R = ⌊2^k/√V⌋, V = Σ d² + ε; d = (n·x − Σ x) >> t, without `center` 2^8·(x − zx) >> t.',
  operands: { x: 'required' },
  attributes: {
    length: attr.int(),
    center: attr.bool(true),
    input_zero_point: attr.int(0),
    t: attr.int(0),
    epsilon: attr.int(),
    k: attr.int(),
    multiplier: attr.int(),
    shift: attr.int(),
    zero_point: attr.int(0),
    min: attr.int(),
    max: attr.int(),
  },
  domain: 'codes',
  evaluate({ x }, attributes, { results }) {
    const { length, input_zero_point, zero_point, min, max } = attributes;
    const type = results[0] as TensorType;
    const dtype = storageOf(type.element) as 'i8';
    const constants = constantsOf(attributes);
    const codes = x.data as Int16Array;
    const data = new (typedArrayOf(dtype))(codes.length);
    for (let at = 0; at < codes.length; at += length) {
      const row = codes.subarray(at, at + length);
      data.set(normRow(row, input_zero_point, constants, zero_point, min, max) as number[] & bigint[], at);
    }
    return { dtype, shape: staticShape(type), data };
  },
  lower: { kind: 'template', template: 'int_normalize' },
});

interface Attributes {
  readonly length: number;
  readonly center: boolean;
  readonly t: number;
  readonly epsilon: number;
  readonly k: number;
  readonly multiplier: number;
  readonly shift: number;
}

function constantsOf({ length, center, t, epsilon, k, multiplier, shift }: Attributes): NormConstants {
  return {
    kind: center ? 'layer' : 'rms',
    ...{ t, epsilon: BigInt(epsilon), k, j: k - 30, s: shift },
    m: new Array<number>(length).fill(multiplier),
    B: new Array<bigint>(length).fill(0n),
  };
}
