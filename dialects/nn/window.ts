import { addDim, type Dim, floorDivDim, type OnnxNode } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { rowMajorStrides } from './strided.ts';

/** A sliding window over the spatial axes. `pads`: all begins, then all ends. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/** Refuses parameters that describe no window over `rank` axes. @throws QcError */
export function checkWindow(window: Window, rank: number): void {
  const fail = (what: string, why: string): never => {
    throw new QcError({ what, why, help: 'export the model again' });
  };
  const { kernel, strides, pads, dilations } = window;
  if (rank < 1) fail('there are no spatial axes', 'the input must have the axes [N, C, spatial…]');
  if (kernel.length !== rank)
    fail(`a kernel [${kernel.join(', ')}] over ${rank} spatial axes`, 'one size for each axis');
  for (const [name, values, length] of [
    ['strides', strides, rank],
    ['dilations', dilations, rank],
    ['pads', pads, 2 * rank],
  ] as const) {
    if (values.length !== length) fail(`${name} = [${values.join(', ')}]`, `${length} numbers are needed`);
  }
  if ([...kernel, ...strides, ...dilations].some((v) => v < 1)) {
    fail(
      'a kernel size, stride or dilation is below 1',
      `kernel [${kernel}], strides [${strides}], dilations [${dilations}]`,
    );
  }
  if (pads.some((v) => v < 0)) fail(`pads = [${pads.join(', ')}]`, 'padding cannot be negative');
}

/** Steps that the window covers on spatial axis i: d·(k − 1) + 1. */
export function windowSpan({ kernel, dilations }: Window, i: number): number {
  return (dilations[i] as number) * ((kernel[i] as number) - 1) + 1;
}

/** Output sizes: ⌊(in + pads − span) / stride⌋ + 1. @throws QcError when the window does not fit once. */
export function windowOutput(spatial: readonly Dim[], window: Window): Dim[] {
  const { strides, pads } = window;
  return spatial.map((dim, i) => {
    const padded = (pads[i] as number) + (pads[i + spatial.length] as number) - windowSpan(window, i);
    const size = addDim(floorDivDim(addDim(dim, padded), strides[i] as number), 1);
    if (typeof size === 'number' && size < 1) {
      throw new QcError({
        what: `the window does not fit into the input: spatial axis ${i} has ${dim} elements`,
        why: `kernel ${window.kernel[i]} with dilation ${window.dilations[i]} spans ${windowSpan(window, i)}`,
        help: 'give a larger input',
      });
    }
    return size;
  });
}

/** Reads strides, pads or auto_pad, and dilations of a node. `spatial` are the input's spatial dimensions. */
export function readWindow(node: OnnxNode, kernel: readonly number[], spatial: readonly Dim[]): Window {
  const ones = kernel.map(() => 1);
  const strides = node.ints('strides', ones);
  const dilations = node.ints('dilations', ones);
  const autoPad = node.string('auto_pad', 'NOTSET') || 'NOTSET';
  const pads = node.ints('pads', [...ones, ...ones].fill(0));
  const window = { kernel, strides, pads, dilations };
  if (autoPad === 'NOTSET') return window;
  if (autoPad === 'VALID') return { ...window, pads: pads.map(() => 0) };
  if (autoPad !== 'SAME_UPPER' && autoPad !== 'SAME_LOWER') return node.refuse(`auto_pad '${autoPad}'`);
  const totals = kernel.map((_, i) => {
    const [size, stride] = [spatial[i] as Dim, strides[i] as number];
    const span = windowSpan(window, i);
    if (typeof size === 'number') return Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
    if (stride === 1) return span - 1;
    return node.refuse(
      `auto_pad '${autoPad}' on the dimension ${size} that is not known`,
      'give the model a fixed input size, or export it with explicit pads',
    );
  });
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, i) => total - (less[i] as number));
  return { ...window, pads: autoPad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less] };
}

/** Where one kernel position meets one plane of input and output. */
export interface Tap {
  /** Flat index of the kernel position. */
  readonly kernel: number;
  /** For each output row (all spatial axes but the last): where its first column reads, or −1 outside. May be negative by columns. */
  readonly rows: Int32Array;
  /** Whether the row lies inside the input. */
  readonly inside: Uint8Array;
  /** Output columns [first, last) whose input column lies inside. */
  readonly first: number;
  readonly last: number;
}

/** The taps of a window from an input plane to an output plane, kernel positions in row-major order. */
export function windowTaps(window: Window, input: readonly number[], output: readonly number[]): Tap[] {
  const rank = input.length;
  const { kernel, strides, pads, dilations } = window;
  const inputStrides = rowMajorStrides(input);
  const rowCount = elementCount(output.slice(0, -1));
  const width = input[rank - 1] as number;
  const columns = output[rank - 1] as number;
  const stride = strides[rank - 1] as number;
  const taps: Tap[] = [];
  forEachIndex(kernel, (position, flat) => {
    const starts = position.map((k, i) => k * (dilations[i] as number) - (pads[i] as number));
    const column = starts[rank - 1] as number;
    const first = Math.min(columns, Math.max(0, Math.ceil(-column / stride)));
    const last = Math.max(first, Math.min(columns, Math.ceil((width - column) / stride)));
    const rows = new Int32Array(rowCount);
    const inside = new Uint8Array(rowCount).fill(1);
    forEachIndex(output.slice(0, -1), (row, r) => {
      let at = column;
      row.forEach((o, i) => {
        const place = o * (strides[i] as number) + (starts[i] as number);
        if (place < 0 || place >= (input[i] as number)) inside[r] = 0;
        at += place * (inputStrides[i] as number);
      });
      rows[r] = at;
    });
    taps.push({ kernel: flat, rows, inside, first, last });
  });
  return taps;
}

function forEachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  const count = elementCount(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++(index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
}
