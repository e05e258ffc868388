import { windowOutput, windowTaps } from '../../dialects/nn/window.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import type { WindowSums } from '../../src/calibrate/index.ts';
import type { Op, TensorType } from '../../src/ir/index.ts';

/**
 * What the windows of an `observe_windows` add up to, given the sum of its value over `samples` samples: for each
 * channel and kernel position the sum over all places where the window stands. Without a kernel, over all rows.
 */
export function windowSums(op: Op, total: Float64Array, samples: number): WindowSums {
  const { kernel, strides, pads, dilations } = observeWindows.attributesOf(op);
  const shape = (op.result.type as TensorType).shape as number[];
  if (kernel.length === 0) return rowSums(total, shape.at(-1) as number, samples);
  const [batch = 1, channels = 1, ...spatial] = shape;
  const window = { kernel, strides, pads, dilations };
  const output = windowOutput(spatial, window) as number[];
  const taps = windowTaps(window, spatial, output);
  const size = spatial.reduce((a, b) => a * b, 1);
  const stride = strides.at(-1) as number;
  const sums = new Float64Array(channels * taps.length);
  for (let plane = 0; plane < batch * channels; plane++) {
    const channel = plane % channels;
    for (const { kernel: position, rows, inside, first, last } of taps) {
      let sum = 0;
      for (let row = 0; row < rows.length; row++) {
        if (!inside[row]) continue;
        const start = plane * size + (rows[row] as number);
        for (let column = first; column < last; column++) sum += total[start + column * stride] as number;
      }
      const at = channel * taps.length + position;
      sums[at] = (sums[at] as number) + sum;
    }
  }
  return { count: samples * batch * output.reduce((a, b) => a * b, 1), sums };
}

function rowSums(total: Float64Array, width: number, samples: number): WindowSums {
  const sums = new Float64Array(width);
  for (let i = 0; i < total.length; i++) sums[i % width] = (sums[i % width] as number) + (total[i] as number);
  return { count: (samples * total.length) / width, sums };
}
