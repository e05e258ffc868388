import { add, mul } from '../../../dialects/nn/binary.ts';
import { type Op, Rewriter } from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { channelCount, scaleChannels } from '../../channels.ts';
import { constantName, createFloats, floatConstantOf } from '../../constants.ts';
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

/** The float weights [inputs, outputs] of a matrix layer. */
export function weightsOf(layer: Op): HostTensor & { readonly data: Float32Array } {
  return floatConstantOf(layer.operand(1)) as HostTensor & { data: Float32Array };
}

/** linear(x, W, b) == linear((x − z)/s, s∘W, b + z·W): what z·W adds to each output. */
export function shiftedBias({ data, shape }: HostTensor, shift: Float64Array): Float64Array {
  const [inputs, outputs] = shape as [number, number];
  const sums = new Float64Array(outputs);
  for (let k = 0; k < inputs; k++) {
    const z = shift[k] as number;
    if (z === 0) continue;
    for (let n = 0; n < outputs; n++) sums[n] = (sums[n] as number) + z * (data[k * outputs + n] as number);
  }
  return sums;
}

/** Applies a map to a group: its value in the layer or behind the norm before it, the inverse in the layers after it. */
export function applyMap(group: LinearGroup, map: ChannelMap): void {
  const rewriter = new Rewriter();
  for (const layer of group.layers) takeIn(rewriter, layer, map);
  if (group.before) giveOut(rewriter, group.before, map);
  else insert(rewriter, group, map);
}

/** The inverse in the layer that reads: rows times s, bias plus z·W. */
function takeIn(rewriter: Rewriter, layer: Op, { scale, shift }: ChannelMap): void {
  const weights = weightsOf(layer);
  const rows = scaleChannels(weights.data, weights.shape, 0, scale);
  setConstants(rewriter, layer, rows, shift.some((z) => z !== 0) ? shiftedBias(weights, shift) : undefined);
}

/** The map in the layer that writes: columns over s, bias minus z, over s. */
function giveOut(rewriter: Rewriter, layer: Op, { scale, shift }: ChannelMap): void {
  const inverse = scale.map((s) => 1 / s);
  const weights = weightsOf(layer);
  const columns = scaleChannels(weights.data, weights.shape, 1, inverse);
  const bias = floatConstantOf(layer.operands[2])?.data;
  const changed = inverse.map((r, n) => (((bias?.[n] as number | undefined) ?? 0) - (shift[n] as number)) * r);
  const added = changed.map((b, n) => b - ((bias?.[n] as number | undefined) ?? 0));
  setConstants(rewriter, layer, columns, bias || shift.some((z) => z !== 0) ? added : undefined);
}

function setConstants(rewriter: Rewriter, layer: Op, weights: Float64Array, added: Float64Array | undefined): void {
  const name = constantName(layer.operand(1), layer.source);
  rewriter.before(layer);
  const bias = floatConstantOf(layer.operands[2])?.data;
  if (added) {
    const sums = added.map((b, n) => b + ((bias?.[n] as number | undefined) ?? 0));
    rewriter.setOperand(layer, 2, createFloats(rewriter, `${name}.bias`, [channelCount(layer)], sums));
  }
  const { shape } = weightsOf(layer);
  rewriter.setOperand(layer, 1, createFloats(rewriter, name, shape, weights));
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
