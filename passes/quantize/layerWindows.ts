import { conv } from '../../dialects/nn/conv.ts';
import type { Module, Op, TensorType, Value } from '../../src/ir/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { interpreterProbe } from '../calibrate/interpreterProbe.ts';
import { rowsToKeep, samplesOf } from '../calibrate/sampleRows.ts';
import { floatConstantOf } from '../constants.ts';
import type { InputRows } from '../transform/layerError.ts';

/** A part of a layer that is a matrix product: rows of its inputs [count, depth], and weights [depth, outputs]. */
export interface LayerPart {
  readonly rows: InputRows;
  readonly weights: HostTensor;
}

/**
 * What layers multiply on some calibration rows: a convolution is one product a group, of windows of its input.
 * @param layers convolutions, and products by a constant matrix
 * @throws QcError without calibration samples
 */
export async function layerWindows(
  module: Module,
  layers: readonly Op[],
  context: PassContext,
  what: string,
): Promise<ReadonlyMap<Op, readonly LayerPart[]>> {
  const readers = new Map<Value, Collector[]>();
  const collectors = layers.map((op) => {
    const collector = new Collector(op);
    readers.set(op.operand(0), [...(readers.get(op.operand(0)) ?? []), collector]);
    return collector;
  });
  const values = [...readers.keys()];
  const probe = await (context.probe ?? interpreterProbe)(module, values);
  for (const sample of samplesOf(context, what)) {
    probe.run(sample, (i, tensor) => {
      for (const collector of readers.get(values[i] as Value) ?? []) collector.add(tensor);
    });
  }
  return new Map(layers.map((op, i) => [op, (collectors[i] as Collector).take()]));
}

class Collector {
  readonly #op: Op;
  readonly #windowOf: WindowOf;
  readonly #kept: Float32Array[] = [];

  constructor(op: Op) {
    this.#op = op;
    this.#windowOf = conv.is(op) ? convWindow(op) : matrixRow;
  }

  add(tensor: HostTensor): void {
    const { count, at } = this.#windowOf(tensor);
    for (const row of rowsToKeep(count, this.#kept.length)) this.#kept.push(at(row));
  }

  take(): LayerPart[] {
    const matrices = weightMatrices(this.#op, floatConstantOf(this.#op.operands[1]) as HostTensor);
    const [depth] = (matrices[0] as HostTensor).shape as [number];
    return matrices.map((weights, group) => {
      const rows = new Float32Array(this.#kept.length * depth);
      this.#kept.forEach((row, i) => {
        rows.set(row.subarray(group * depth, (group + 1) * depth), i * depth);
      });
      return { rows: { rows, count: this.#kept.length }, weights };
    });
  }
}

/** How many windows a tensor has, and what is in one: group by group, a channel's window after the other. */
type WindowOf = (tensor: HostTensor) => { readonly count: number; readonly at: (i: number) => Float32Array };

const matrixRow: WindowOf = ({ data, shape }) => {
  const depth = shape.at(-1) as number;
  return { count: data.length / depth, at: (i) => (data as Float32Array).slice(i * depth, (i + 1) * depth) };
};

/** Windows of [N, C, spatial…] as the convolution sees them, zero where it pads. */
function convWindow(op: Op): WindowOf {
  const { strides, pads, dilations } = conv.attributesOf(op);
  const [, , ...kernel] = (op.operand(1).type as TensorType).shape as number[];
  const taps = kernel.reduce((n, d) => n * d, 1);
  return ({ data, shape }) => {
    const [batch, channels, ...extents] = shape as [number, number, ...number[]];
    const axes = extents.map((extent, i) => {
      const [stride, dilation] = [strides[i] ?? 1, dilations[i] ?? 1];
      const [before, after] = [pads[i] ?? 0, pads[i + extents.length] ?? 0];
      const size = kernel[i] as number;
      const outputs = Math.floor((extent + before + after - dilation * (size - 1) - 1) / stride) + 1;
      return { extent, stride, dilation, before, size, outputs };
    });
    const plane = extents.reduce((n, d) => n * d, 1);
    const places = axes.reduce((n, { outputs }) => n * outputs, 1);
    return {
      count: batch * places,
      at(i) {
        const window = new Float32Array(channels * taps);
        for (let tap = 0; tap < taps; tap++) {
          const from = offsetOf(axes, i % places, tap);
          if (from === undefined) continue;
          for (let c = 0; c < channels; c++) {
            window[c * taps + tap] = data[(Math.floor(i / places) * channels + c) * plane + from] as number;
          }
        }
        return window;
      },
    };
  };
}

interface Axis {
  readonly extent: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly size: number;
  readonly outputs: number;
}

/** Where a tap of output number `place` lies in a channel; undefined in the padding. */
function offsetOf(axes: readonly Axis[], place: number, tap: number): number | undefined {
  let [offset, step] = [0, 1];
  for (const { extent, stride, dilation, before, size, outputs } of axes.toReversed()) {
    const at = (place % outputs) * stride + (tap % size) * dilation - before;
    if (at < 0 || at >= extent) return undefined;
    offset += at * step;
    step *= extent;
    place = Math.floor(place / outputs);
    tap = Math.floor(tap / size);
  }
  return offset;
}

/** Weights of a layer as matrices [depth, outputs], one for each group. */
export function weightMatrices(op: Op, weights: HostTensor): HostTensor[] {
  if (!conv.is(op)) return [weights];
  const { group } = conv.attributesOf(op);
  const outputs = (weights.shape[0] as number) / group;
  const depth = weights.data.length / (outputs * group);
  return Array.from({ length: group }, (_, g) => {
    const data = new Float32Array(depth * outputs);
    for (let n = 0; n < outputs; n++) {
      for (let k = 0; k < depth; k++) data[k * outputs + n] = weights.data[(g * outputs + n) * depth + k] as number;
    }
    return { dtype: 'f32', shape: [depth, outputs], data };
  });
}
