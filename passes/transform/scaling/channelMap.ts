import { add, mul } from '../../../dialects/nn/binary.ts';
import { type Op, Rewriter } from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { channelCount, scaleChannels, weightAxis } from '../../channels.ts';
import { createFloats } from '../../constants.ts';
import type { ConstantEdits } from '../rotation/constantEdits.ts';
import { scaling } from '../rotation/orthogonal.ts';
import { channelAt, inputAxis, weightsOf } from '../structure/channelLayer.ts';
import type { LinearGroup } from '../structure/linearGroups.ts';

/** What a value becomes, channel by channel: (x − shift)/scale. */
export interface ChannelMap {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The map that changes nothing. */
export function identityMap(channels: number): ChannelMap {
  return { scale: new Float64Array(channels).fill(1), shift: new Float64Array(channels) };
}

/** linear(x, W, b) == linear((x − z)/s, s∘W, b + z·W): what z·W adds to each output channel. */
export function shiftedBias(layer: Op, shift: Float64Array, weights: HostTensor = weightsOf(layer)): Float64Array {
  const sums = new Float64Array(channelCount(layer));
  if (shift.every((z) => z === 0)) return sums;
  const [from, to] = [channelAt(weights, inputAxis(layer)), channelAt(weights, weightAxis(layer))];
  const data = weights.data as Float32Array | Float64Array;
  data.forEach((w, i) => {
    const n = to(i);
    sums[n] = (sums[n] as number) + (shift[from(i)] as number) * w;
  });
  return sums;
}

/** Weights as a map in front of the layer leaves them: s∘W. */
export function scaledRows(layer: Op, scale: Float64Array): Float64Array {
  const { data, shape } = weightsOf(layer);
  return scaleChannels(data, shape, inputAxis(layer), scale);
}

/** Weights that make a value over s. */
export function dividedColumns(layer: Op, scale: Float64Array): Float64Array {
  const { data, shape } = weightsOf(layer);
  return scaleChannels(
    data,
    shape,
    weightAxis(layer),
    scale.map((s) => 1 / s),
  );
}

/** Applies a map to a group: its value in the layer or behind the norm before it, the inverse in the layers after it. */
export function applyMap(edits: ConstantEdits, group: LinearGroup, map: ChannelMap): void {
  for (const layer of group.layers) takeIn(edits, layer, map);
  if (group.before) giveOut(edits, group.before, map);
  else insert(new Rewriter(), group, map);
}

/** The inverse in the layer that reads: the weights of its input's channels times s, bias plus z·W. */
function takeIn(edits: ConstantEdits, layer: Op, { scale, shift }: ChannelMap): void {
  if (shift.some((z) => z !== 0)) {
    const sums = shiftedBias(layer, shift, edits.numbers(layer, 1));
    edits.change(layer, 2, sums.length, (b, n) => b + (sums[n] as number));
  }
  edits.apply([{ op: layer, index: 1, axis: inputAxis(layer) }], scaling(scale));
}

/** The map in the layer that writes: the weights of its output's channels over s, bias minus z, over s. */
function giveOut(edits: ConstantEdits, layer: Op, { scale, shift }: ChannelMap): void {
  edits.apply([{ op: layer, index: 1, axis: weightAxis(layer) }], scaling(scale.map((s) => 1 / s)));
  if (!edits.has(layer, 2) && shift.every((z) => z === 0)) return;
  edits.change(layer, 2, scale.length, (b, n) => (b - (shift[n] as number)) / (scale[n] as number));
}

/** Behind a norm: an offset and a factor, which the layers of the group alone read. */
function insert(rewriter: Rewriter, { value, channels, layers }: LinearGroup, { scale, shift }: ChannelMap): void {
  const { source } = value.op as Op;
  rewriter.after(value.op as Op);
  let x = value;
  if (shift.some((z) => z !== 0)) {
    const b = createFloats(
      rewriter,
      `${source}.shift`,
      [channels],
      shift.map((z) => -z),
    );
    x = rewriter.create(add, { a: x, b }).result;
  }
  const b = createFloats(
    rewriter,
    `${source}.scale`,
    [channels],
    scale.map((s) => 1 / s),
  );
  x = rewriter.create(mul, { a: x, b }).result;
  for (const layer of layers) rewriter.setOperand(layer, 0, x);
}
