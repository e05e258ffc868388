import {
  addDim,
  type Dim,
  mulDim,
  type OnnxMapping,
  type OnnxNode,
  subDim,
  type Value,
} from '../../../src/ir/index.ts';
import { conv } from '../conv.ts';
import { Compose, known, shapeOf } from './compose.ts';

// A transposed convolution of stride s is a convolution that computes the s phases of each axis as channels of its
// own, which then change places with pixels: y[q·s + r] = Σ x[q − j]·w[j·s + r]. Nothing is computed on inserted zeros.

interface Parameters {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Elements cut off at the begin of each axis. */
  readonly begins: readonly number[];
  readonly sizes: readonly Dim[];
}

/** Output sizes and what is cut off in front. Source: ONNX ConvTranspose. */
function readParameters(node: OnnxNode, spatial: readonly Dim[], kernel: readonly number[]): Parameters {
  const ones = kernel.map(() => 1);
  const strides = node.ints('strides', ones);
  const dilations = node.ints('dilations', ones);
  const extra = node.ints(
    'output_padding',
    ones.map(() => 0),
  );
  const pads = node.ints(
    'pads',
    [...ones, ...ones].map(() => 0),
  );
  const autoPad = node.string('auto_pad', 'NOTSET') || 'NOTSET';
  const wanted = node.hasAttribute('output_shape') ? node.ints('output_shape').slice(-kernel.length) : undefined;
  const spans = kernel.map((k, i) => (k - 1) * (dilations[i] as number) + 1);
  const full = spatial.map((dim, i) =>
    addDim(mulDim(subDim(dim, 1), strides[i] as number), (spans[i] as number) + (extra[i] as number)),
  );
  if (autoPad === 'NOTSET' && !wanted) {
    const begins = pads.slice(0, kernel.length);
    return {
      kernel,
      strides,
      dilations,
      begins,
      sizes: full.map((dim, i) => subDim(dim, (pads[i] as number) + (pads[i + kernel.length] as number))),
    };
  }
  if (autoPad === 'VALID' && !wanted) return { kernel, strides, dilations, begins: ones.map(() => 0), sizes: full };
  const sizes = wanted ?? spatial.map((dim, i) => mulDim(dim, strides[i] as number));
  const begins = full.map((dim, i) => {
    const total = subDim(dim, sizes[i] as Dim);
    if (typeof total !== 'number') return node.refuse('an output shape beside an input that is not known');
    const half = Math.max(0, total) / 2;
    return autoPad === 'SAME_UPPER' ? Math.floor(half) : Math.ceil(half);
  });
  return { kernel, strides, dilations, begins, sizes };
}

function convTranspose(node: OnnxNode): Value {
  const c = new Compose(node);
  const [x, w, bias] = [node.input(0), node.input(1), node.optionalInput(2)];
  const [inputs, perGroup, ...kernel] = known(node, shapeOf(w), 'weights') as [number, number, ...number[]];
  if (node.ints('kernel_shape', kernel).join() !== kernel.join()) {
    return node.refuse('another kernel_shape than that of the weights', 'export the model again');
  }
  const group = node.int('group', 1);
  const spatial = shapeOf(x).slice(2);
  if (spatial.length !== kernel.length || group < 1 || inputs % group !== 0) {
    return node.refuse(
      `weights of [${shapeOf(w).join(', ')}] in ${group} groups on an input of [${shapeOf(x).join(', ')}]`,
    );
  }
  const p = readParameters(node, spatial, kernel);
  const taps = kernel.map((k, i) => Math.ceil(((k - 1) * (p.dilations[i] as number) + 1) / (p.strides[i] as number)));
  const phases = p.strides.reduce((n, s) => n * s, 1);
  const weights = phaseWeights(c, w, { ...p, taps, group });
  const channels = group * perGroup;
  // As many places as the result needs, and no fewer than the input reaches.
  const ends = taps.map((tap, i) => endPadding(node, spatial[i] as Dim, tap, p, i));
  const pads = [...taps.map((tap) => tap - 1), ...ends];
  const ones = kernel.map(() => 1);
  const operands = { x, w: weights, bias: bias && phaseBias(c, bias, phases) };
  const y = node.create(conv, operands, { strides: ones, dilations: ones, pads, group }).result;
  return crop(c, interleave(c, y, channels, p.strides), p);
}

/** Zeros behind the input, so that the convolution reaches the end of the result. */
function endPadding(node: OnnxNode, size: Dim, taps: number, p: Parameters, i: number): number {
  const [stride, begin] = [p.strides[i] as number, p.begins[i] as number];
  const needed = addDim(p.sizes[i] as Dim, begin);
  // The last element needs place ⌈needed / stride⌉ − 1; the input with `taps − 1` zeros behind it has size + taps − 1.
  const reach = mulDim(addDim(size, taps - 1), stride);
  const missing = subDim(needed, reach);
  if (typeof missing !== 'number') return node.refuse('an output size that does not follow the input');
  return taps - 1 + Math.max(0, Math.ceil(missing / stride));
}

/** [CI, CO/g, kernel…] as [CO·phases, CI/g, taps…], taps in reverse. */
function phaseWeights(
  c: Compose,
  w: Value,
  { strides, dilations, taps, group }: Parameters & { readonly taps: readonly number[]; readonly group: number },
): Value {
  const [inputs, perGroup] = shapeOf(w) as [number, number];
  let y = w;
  strides.forEach((stride, i) => {
    y = dilate(c, y, i + 2, dilations[i] as number);
    y = c.pad(y, i + 2, 0, (taps[i] as number) * stride - (shapeOf(y)[i + 2] as number));
  });
  // [g, CI/g, CO/g, taps0, phases0, taps1, phases1, …]
  y = c.reshape(y, [group, inputs / group, perGroup, ...strides.flatMap((s, i) => [taps[i] as number, s])]);
  strides.forEach((_, i) => {
    const [axis, size] = [3 + 2 * i, taps[i] as number];
    if (size > 1) y = c.slice(y, axis, size - 1, size, -1);
  });
  const [phaseAxes, tapAxes] = [strides.map((_, i) => 4 + 2 * i), strides.map((_, i) => 3 + 2 * i)];
  y = c.transpose(y, [0, 2, ...phaseAxes, 1, ...tapAxes]);
  const phases = strides.reduce((n, s) => n * s, 1);
  return c.reshape(y, [group * perGroup * phases, inputs / group, ...taps]);
}

/** Zeros between the elements of an axis. */
function dilate(c: Compose, w: Value, axis: number, dilation: number): Value {
  if (dilation === 1) return w;
  const shape = shapeOf(w) as readonly number[];
  const size = shape[axis] as number;
  const spread = c.pad(c.reshape(w, shape.toSpliced(axis + 1, 0, 1)), axis + 1, 0, dilation - 1);
  return c.slice(c.reshape(spread, shape.with(axis, size * dilation)), axis, 0, (size - 1) * dilation + 1);
}

function phaseBias(c: Compose, bias: Value, phases: number): Value {
  const [channels] = shapeOf(bias) as [number];
  return c.reshape(c.expand(c.reshape(bias, [channels, 1]), [channels, phases]), [channels * phases]);
}

/** [N, C·phases, places…] as [N, C, places·phases…]. */
function interleave(c: Compose, y: Value, channels: number, strides: readonly number[]): Value {
  if (strides.every((s) => s === 1)) return y;
  const [batch, , ...places] = shapeOf(y) as [Dim, Dim, ...Dim[]];
  const parts = c.reshape(y, [batch, channels, ...strides, ...places]);
  const perm = [0, 1, ...strides.flatMap((_, i) => [2 + strides.length + i, 2 + i])];
  return c.reshape(c.transpose(parts, perm), [
    batch,
    channels,
    ...places.map((dim, i) => mulDim(dim, strides[i] as number)),
  ]);
}

function crop(c: Compose, y: Value, { begins, sizes }: Parameters): Value {
  return sizes.reduce<Value>((value, size, i) => c.slice(value, i + 2, begins[i] as number, size), y);
}

export const convTransposeMappings: readonly OnnxMapping[] = [{ op: 'ConvTranspose', build: convTranspose }];
