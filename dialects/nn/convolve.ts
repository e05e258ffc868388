import type { Sums } from '../../src/ir/index.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { type Tap, type Window, windowTaps } from './window.ts';

/** How the window of a convolution moves. `pads`: all begins, then all ends. */
export interface ConvParameters {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

/** Most elements of the matrix of patches that is held at a time. */
const patchLimit = 1 << 20;

/** Rows of one length in a flat array: row k begins at `start + k·step`. */
interface Rows {
  readonly data: Float64Array;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/**
 * A convolution, any spatial rank: patches of the input as rows of a matrix, times the weights.
 * x: [N, C, …], w: [CO, C/group, …], y: [N, CO, …], row-major; padding counts as 0.
 */
export function convolve(
  x: Float64Array,
  xShape: readonly number[],
  w: Float64Array,
  wShape: readonly number[],
  bias: Float64Array | undefined,
  parameters: ConvParameters,
  yShape: readonly number[],
  sums: Sums = 'f64',
): Float64Array {
  const { group, strides, pads, dilations } = parameters;
  const window: Window = { kernel: wShape.slice(2), strides, pads, dilations };
  const [batches, outputs] = yShape as [number, number];
  const inputs = wShape[1] as number;
  const inPlane = elementCount(xShape.slice(2));
  const outPlane = elementCount(yShape.slice(2));
  const depth = elementCount(wShape.slice(1));
  const outputsPerGroup = outputs / group;
  const count = elementCount(yShape);
  const y = sums === 'f32' ? new Float32Array(count) : new Float64Array(count);
  const plan = isPointwise(window) ? undefined : planPatches(window, xShape.slice(2), yShape.slice(2), depth);
  for (let part = 0; part < batches * group; part++) {
    const start = part * inputs * inPlane;
    const firstOutput = (part % group) * outputsPerGroup;
    const multiplyRows = (rows: Rows, place: number) => {
      for (let o = 0; o < outputsPerGroup; o++) {
        accumulate(y, (part * outputsPerGroup + o) * outPlane + place, w, (firstOutput + o) * depth, depth, rows);
      }
    };
    if (!plan) multiplyRows({ data: x, start, step: inPlane, length: inPlane }, 0);
    else {
      for (let row = 0; row < plan.rowCount; row += plan.rowsAtOnce) {
        multiplyRows(gatherPatches(plan, x, start, inPlane, inputs, row), row * plan.columns);
      }
    }
  }
  if (bias)
    for (let i = 0; i < count; i++) y[i] = (y[i] as number) + (bias[Math.floor(i / outPlane) % outputs] as number);
  return y instanceof Float64Array ? y : new Float64Array(y);
}

function isPointwise({ kernel, strides, pads }: Window): boolean {
  return kernel.every((k) => k === 1) && strides.every((s) => s === 1) && pads.every((p) => p === 0);
}

interface PatchPlan {
  readonly taps: readonly Tap[];
  readonly stride: number;
  readonly columns: number;
  readonly rowCount: number;
  readonly rowsAtOnce: number;
  readonly buffer: Float64Array;
}

function planPatches(window: Window, input: readonly number[], output: readonly number[], depth: number): PatchPlan {
  const columns = output.at(-1) as number;
  const rowCount = elementCount(output.slice(0, -1));
  const rowsAtOnce = Math.max(1, Math.min(rowCount, Math.floor(patchLimit / (depth * columns))));
  return {
    taps: windowTaps(window, input, output),
    stride: window.strides.at(-1) as number,
    columns,
    rowCount,
    rowsAtOnce,
    buffer: new Float64Array(depth * rowsAtOnce * columns),
  };
}

/** What each weight of a filter sees, for output rows from `firstRow` on. */
function gatherPatches(
  { taps, stride, columns, rowCount, rowsAtOnce, buffer }: PatchPlan,
  x: Float64Array,
  start: number,
  inPlane: number,
  inputs: number,
  firstRow: number,
): Rows {
  const rows = Math.min(rowsAtOnce, rowCount - firstRow);
  const length = rows * columns;
  buffer.fill(0);
  for (let c = 0; c < inputs; c++) {
    for (const tap of taps) {
      const to = (c * taps.length + tap.kernel) * length;
      for (let r = 0; r < rows; r++) {
        if (tap.inside[firstRow + r] === 0) continue;
        const out = to + r * columns;
        let from = start + c * inPlane + (tap.rows[firstRow + r] as number) + tap.first * stride;
        for (let i = out + tap.first; i < out + tap.last; i++, from += stride) buffer[i] = x[from] as number;
      }
    }
  }
  return { data: buffer, start: 0, step: length, length };
}

/** y[at + i] += w[from + k]·rows[k][i] for one k after the other, rounded to what y holds each time. */
function accumulate(
  y: Float32Array | Float64Array,
  at: number,
  w: Float64Array,
  from: number,
  depth: number,
  rows: Rows,
): void {
  const { data, start, step, length } = rows;
  for (let k = 0; k < depth; k++) {
    const weight = w[from + k] as number;
    const a = start + k * step;
    for (let i = 0; i < length; i++) y[at + i] = (y[at + i] as number) + weight * (data[a + i] as number);
  }
}
