import {
  type ElementType,
  integerRange,
  isFloat,
  type QuantType,
  type ScalarType,
  type TensorType,
} from '../ir/index.ts';
import * as formats from '../numerics/index.ts';
import { decodeE8M0, decodeFloat, encodeFloat, type FloatFormat, halfEven } from '../numerics/index.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import { type DType, elementCount, type HostTensor, typedArrayOf } from '../support/tensor.ts';

// How elements stand for real numbers: from stored tensors to f64 and back, with one rounding.

const floatFormats: Partial<Record<ScalarType, FloatFormat>> = {
  f16: formats.F16,
  bf16: formats.BF16,
  f8e4m3fn: formats.F8E4M3FN,
  f8e4m3fnuz: formats.F8E4M3FNUZ,
  f8e5m2: formats.F8E5M2,
  f8e5m2fnuz: formats.F8E5M2FNUZ,
  f4e2m1: formats.F4E2M1,
};

/** Whether intermediate floats are rounded to their type, or stay f64. */
export type Precision = 'f32' | 'f64';

/** Plain floats in f64, where that is the precision of a run. */
export function widened(tensor: HostTensor, precision: Precision): HostTensor {
  if (precision === 'f32' || tensor.dtype !== 'f32') return tensor;
  return { dtype: 'f64', shape: tensor.shape, data: Float64Array.from(tensor.data as Float32Array) };
}

/** A stored tensor as evaluations of real arithmetic take it: codes dequantized, narrow floats decoded, to f64. */
export function toReals(tensor: HostTensor, type: TensorType): HostTensor {
  const { element } = type;
  if (typeof element !== 'string') return dequantize(tensor, element);
  const format = floatFormats[element];
  if (tensor.dtype === 'f64' || (!format && element !== 'f8e8m0')) return tensor;
  const codes = tensor.data as Uint16Array;
  const decode = format ? (code: number) => decodeFloat(code, format) : decodeE8M0;
  return { dtype: 'f64', shape: tensor.shape, data: Float64Array.from(codes, decode) };
}

/** The result of real arithmetic, rounded once into the type that stores it. */
export function fromReals(tensor: HostTensor, type: TensorType, precision: Precision): HostTensor {
  const { element } = type;
  if (typeof element !== 'string') return quantize(tensor, element);
  if (tensor.dtype === element || (precision === 'f64' && isFloat(element))) return tensor;
  const { shape, data } = tensor;
  if (element === 'f32') return { dtype: 'f32', shape, data: Float32Array.from(data as Float64Array) };
  const format = floatFormats[element];
  const dtype = element as DType;
  if (format) {
    const codes = new (typedArrayOf(dtype))(data.length) as Uint16Array;
    for (let i = 0; i < codes.length; i++) codes[i] = encodeFloat(data[i] as number, format, saturates(element));
    return { dtype, shape, data: codes };
  }
  if (dtype === 'f8e8m0')
    throw new QcError({ what: 'block scales (f8e8m0) cannot be computed', help: 'keep them constant' });
  if (dtype === 'f64') return { dtype, shape, data: Float64Array.from(data as Float32Array) };
  throw new InternalError(`an evaluation gave ${tensor.dtype} for ${type.key}`);
}

const saturates = (element: ScalarType) => element.startsWith('f8') || element.startsWith('f4');

/** For each element, which of the scales is its own: i ↦ ⌊i / inner⌋ mod count, by blocks where there are any. */
function scaleIndex(shape: readonly number[], type: QuantType): (i: number) => number {
  const { granularity, params } = type;
  if (!params || granularity.kind === 'token') {
    throw new QcError({
      what: `a tensor of ${type.key} cannot be read`,
      why: params ? 'its scales are found at run time' : 'its scales are not calibrated yet',
      help: 'calibrate the model first',
    });
  }
  if (granularity.kind === 'tensor') return () => 0;
  const { axis } = granularity;
  const inner = elementCount(shape.slice(axis + 1));
  const size = shape[axis] as number;
  if (granularity.kind === 'axis') return (i) => Math.floor(i / inner) % size;
  const blocks = Math.ceil(size / granularity.size);
  return (i) => {
    const row = Math.floor(i / inner);
    const block = Math.floor((row % size) / granularity.size);
    return (Math.floor(row / size) * blocks + block) * inner + (i % inner);
  };
}

/** (q − z)·S in f64; of a codebook, level·S. */
function dequantize(tensor: HostTensor, type: QuantType): HostTensor {
  const { shape } = tensor;
  const codes = tensor.data as Int8Array;
  const indexOf = scaleIndex(shape, type);
  const { scale, zeroPoint, levels } = type.params as NonNullable<QuantType['params']>;
  const data = new Float64Array(codes.length);
  for (let i = 0; i < data.length; i++) {
    const at = indexOf(i);
    const code = codes[i] as number;
    const step = levels ? (levels[code] as number) : code - (zeroPoint[at] as number);
    data[i] = step * (scale[at] as number);
  }
  return { dtype: 'f64', shape, data };
}

/** clamp(half_even(x/S) + z); a NaN becomes z. Of a codebook, the nearest level, the lower code on a tie. */
function quantize(tensor: HostTensor, type: QuantType): HostTensor {
  const { shape } = tensor;
  const values = tensor.data as Float64Array;
  const indexOf = scaleIndex(shape, type);
  const { scale, zeroPoint, levels } = type.params as NonNullable<QuantType['params']>;
  const dtype = type.storage as DType;
  const [low, high] = integerRange(type.storage);
  const data = new (typedArrayOf(dtype))(values.length) as Int8Array;
  for (let i = 0; i < data.length; i++) {
    const at = indexOf(i);
    const steps = (values[i] as number) / (scale[at] as number);
    const code = levels ? nearestLevel(steps, levels) : halfEven(steps) + (zeroPoint[at] as number);
    data[i] = Number.isNaN(code) ? (zeroPoint[at] as number) : Math.min(Math.max(code, low), high);
  }
  return { dtype, shape, data };
}

function nearestLevel(x: number, levels: readonly number[]): number {
  let best = 0;
  levels.forEach((level, code) => {
    if (Math.abs(level - x) < Math.abs((levels[best] as number) - x)) best = code;
  });
  return best;
}

/** The element type's storage as a host tensor has it. */
export function storedDType(element: ElementType): DType {
  return (typeof element === 'string' ? element : element.storage) as DType;
}
