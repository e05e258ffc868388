import type { Sample } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { type Part, sharedArray } from './arrays.ts';

const [frameSize, contextSize, stateSize] = [512, 64, 256];

const rate: HostTensor = { dtype: 'i64', shape: [], data: BigInt64Array.of(16000n) };

/** Frame `f` of a stream with the end of the frame before, of silence for the first: [1, 576]. */
function withContext(stream: Float32Array, f: number): HostTensor {
  const data = new Float32Array(contextSize + frameSize);
  if (f > 0) data.set(stream.subarray(f * frameSize - contextSize, f * frameSize));
  data.set(stream.subarray(f * frameSize, (f + 1) * frameSize), contextSize);
  return { dtype: 'f32', shape: [1, contextSize + frameSize], data };
}

const stateOf = (data: Float32Array): HostTensor => ({ dtype: 'f32', shape: [2, 1, 128], data });

/** The frames of a part in order. With the state before each for calibration; otherwise streams begin at zero. */
export function speechFrames(part: Part): { inputs: Sample; stream: number; frame: number }[] {
  const { shape, data } = sharedArray(`silero/${part}_frames.npy`);
  const [streams = 0, frames = 0] = shape;
  const known = part === 'calib' ? (sharedArray('silero/calib_state.npy').data as Float32Array) : undefined;
  return Array.from({ length: streams * frames }, (_, i) => {
    const [stream, frame] = [Math.floor(i / frames), i % frames];
    const samples = (data as Float32Array).subarray(stream * frames * frameSize, (stream + 1) * frames * frameSize);
    const before = known?.slice(i * stateSize, (i + 1) * stateSize) ?? (frame === 0 && new Float32Array(stateSize));
    const inputs = { input: withContext(samples, frame), sr: rate, ...(before && { state: stateOf(before) }) };
    return { inputs, stream, frame };
  });
}
