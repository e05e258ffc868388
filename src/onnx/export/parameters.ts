import type { QuantParams, QuantType, TensorType, WrittenAttributes } from '../../ir/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import { type DType, type HostTensor, typedArrayOf } from '../../support/tensor.ts';

/** Scales and zero points of a quantized type as QuantizeLinear and DequantizeLinear take them. */
export interface WrittenParameters {
  readonly scale: HostTensor;
  /** Absent for accumulators, whose zero point is 0. */
  readonly zeroPoint: HostTensor | undefined;
  readonly attributes: WrittenAttributes;
}

/** @throws QcError for what QuantizeLinear cannot say */
export function writtenParameters(type: TensorType, quant: QuantType, where: string): WrittenParameters {
  const { params, granularity, expressed, scheme } = quant;
  const refuse = (why: string): QcError =>
    new QcError({
      what: `values of ${type.key} cannot be written as ONNX`,
      where,
      why,
      help: 'write a .qir file, or choose another scheme',
    });
  if (!params || granularity.kind === 'token') throw refuse('their scales are not known before the model runs');
  if (params.levels || scheme === 'codebook') throw refuse('QuantizeLinear has no codebooks');
  if (expressed !== 'f32') throw refuse(`they stand for ${expressed}, and scales are f32`);
  const shape = scaleShape(type, quant, params);
  const attributes: WrittenAttributes = {
    int: {
      ...(granularity.kind === 'tensor' ? {} : { axis: granularity.axis }),
      ...(granularity.kind === 'block' ? { block_size: granularity.size } : {}),
    },
  };
  const dtype = quant.storage as DType;
  const codes = new (typedArrayOf(dtype))(params.scale.length) as Int32Array;
  codes.set(params.zeroPoint);
  return {
    scale: { dtype: 'f32', shape, data: Float32Array.from(params.scale) },
    zeroPoint: dtype === 'i32' ? undefined : { dtype, shape, data: codes },
    attributes,
  };
}

function scaleShape(type: TensorType, { granularity }: QuantType, { scale }: QuantParams): number[] {
  if (granularity.kind === 'axis') return [scale.length];
  if (granularity.kind !== 'block') return [];
  const { axis, size } = granularity;
  return type.shape.map((dim, i) => (i === axis ? Math.ceil(Number(dim) / size) : Number(dim)));
}
