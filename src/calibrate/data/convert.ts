import { QcError } from '../../support/diagnostics.ts';
import type { DType, HostTensor } from '../../support/tensor.ts';
import { typedArrayOf } from '../../support/tensor.ts';
import type { InputFormat } from './inputFormat.ts';
import type { InputSignature } from './signature.ts';

// Conversions between number types that keep every value: from -> to.
const lossless: Partial<Record<DType, readonly DType[]>> = {
  i1: ['u8', 'i8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64'],
  u8: ['i16', 'u16', 'i32', 'u32', 'i64', 'u64'],
  i8: ['i16', 'i32', 'i64'],
  u16: ['i32', 'u32', 'i64', 'u64'],
  i16: ['i32', 'i64'],
  u32: ['i64', 'u64'],
  i32: ['i64'],
  f32: ['f64'],
};

/** Whether every value of a type is a value of another, so that samples are converted without being asked. */
export function widensTo(from: DType, to: DType): boolean {
  return from === to || (lossless[from]?.includes(to) ?? false);
}

/** The same values in a wider type. */
export function widen(tensor: HostTensor, dtype: DType): HostTensor {
  if (tensor.dtype === dtype) return tensor;
  const { data } = tensor;
  const out = new (typedArrayOf(dtype))(data.length);
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) out[i] = BigInt(data[i] ?? 0);
  } else {
    for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  }
  return { dtype, shape: tensor.shape, data: out };
}

/** The shape that the caller passes: the model's, or with `nhwc` its [N, C, H, W] as [N, H, W, C]. @throws QcError */
export function passedShape(input: InputSignature, format: InputFormat | undefined): readonly (number | string)[] {
  if (format?.layout !== 'nhwc') return input.shape;
  const [n, c, h, w] = input.shape;
  if (input.shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined) {
    throw new QcError({
      what: `layout=nhwc cannot be used for input '${input.name}'`,
      why: `its shape [${input.shape.join(', ')}] has no four axes`,
      help: 'leave layout out',
    });
  }
  return [n, h, w, c];
}

/**
 * Turns what the caller passes into the model's f32 input: v·scale + offset, each operation rounded to f32, then the
 * model's axis order. The tensor has the format's element type and a shape that `passedShape` allows. @throws QcError
 */
export function applyInputFormat(format: InputFormat, tensor: HostTensor): HostTensor {
  const { shape, data } = tensor;
  const channels = Math.max(format.scale.length, format.offset.length);
  const axis = channels > 1 ? channelAxis(format, shape, channels) : 0;
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const scale = perChannel(format.scale, channels);
  const offset = perChannel(format.offset, channels);
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = channels > 1 ? Math.floor(i / inner) % channels : 0;
    const scaled = Math.fround(Math.fround(Number(data[i])) * (scale[channel] ?? 1));
    values[i] = scaled + (offset[channel] ?? 0);
  }
  return format.layout === 'nhwc' ? channelsFirst(values, shape) : { dtype: 'f32', shape, data: values };
}

function perChannel(values: readonly number[], channels: number): Float32Array {
  return Float32Array.from({ length: channels }, (_, i) => values[values.length === 1 ? 0 : i] ?? 0);
}

/** The axis of per-channel values: the last with `nhwc`, else axis 1 or the last, whichever has that size. */
function channelAxis(format: InputFormat, shape: readonly number[], channels: number): number {
  const last = shape.length - 1;
  const candidates = (format.layout === 'nhwc' ? [last] : [...new Set([1, last])]).filter(
    (axis) => shape[axis] === channels,
  );
  if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0];
  throw new QcError({
    what: `the input format's ${channels} channel values do not fit the shape [${shape.join(', ')}] of '${format.input}'`,
    why:
      candidates.length > 1
        ? 'axis 1 and the last axis could both be channels'
        : `no channel axis has size ${channels}`,
    help: 'give one value for all channels, or one for each channel',
  });
}

/** [N, H, W, C] values as [N, C, H, W]. */
function channelsFirst(values: Float32Array, shape: readonly number[]): HostTensor {
  const [n = 1, h = 1, w = 1, c = 1] = shape;
  const out = new Float32Array(values.length);
  const pixels = h * w;
  for (let image = 0; image < n; image++) {
    const base = image * pixels * c;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let channel = 0; channel < c; channel++) {
        out[base + channel * pixels + pixel] = values[base + pixel * c + channel] ?? 0;
      }
    }
  }
  return { dtype: 'f32', shape: [n, c, h, w], data: out };
}
