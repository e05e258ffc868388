import { div, mul } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { pad } from '../../dialects/nn/pad.ts';
import { reduceMax } from '../../dialects/nn/reduce.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { abs } from '../../dialects/nn/unary.ts';
import { powerOfTwo } from '../../dialects/quant/powerOfTwo.ts';
import { roundFloat } from '../../dialects/quant/roundFloat.ts';
import type { Dim, Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { formats } from '../../src/numerics/index.ts';
import { type ActivationScheme, activationGroup, type FloatActivation } from '../../src/scheme/index.ts';
import { createFloats } from '../constants.ts';

const { e4m3 } = formats;

/** Smaller magnitudes of a block count as this one: every scale is a normal f32. */
const leastMagnitude = 2 ** -100;

/** Rounds activations to small floats where a product reads them, once for all that read the same; they stay f32. */
export class FloatActivations {
  readonly #rewriter: Rewriter;
  readonly #made = new Map<Value, Map<string, Value>>();

  constructor(rewriter: Rewriter) {
    this.#rewriter = rewriter;
  }

  /** Has an nn.matmul read its activations rounded, with a scale for each block of a row. */
  round(op: Op, scheme: ActivationScheme, storage: FloatActivation): void {
    const x = op.operand(0);
    const known = this.#made.get(x) ?? new Map<string, Value>();
    this.#made.set(x, known);
    const block = activationGroup(scheme, (x.type as TensorType).shape.at(-1) as number);
    const key = `${storage} ${block} ${scheme.scale}`;
    const rounded = known.get(key) ?? this.#rounded(op, x, block, scheme, storage);
    known.set(key, rounded);
    this.#rewriter.setOperand(op, 0, rounded);
  }

  #rounded(op: Op, x: Value, block: number, { scale = 'f32' }: ActivationScheme, storage: FloatActivation): Value {
    const rewriter = this.#rewriter;
    if (x.op) rewriter.after(x.op);
    else rewriter.before(op.block?.first as Op);
    const make = { source: x.op?.source ?? x.name ?? op.source };
    const { shape } = x.type as TensorType;
    const blocks = inBlocks(rewriter, x, block, make);
    const last = (blocks.type as TensorType).shape.length - 1;
    const magnitude = rewriter.create(abs, { x: blocks }, {}, make).result;
    const most = rewriter.create(reduceMax, { x: magnitude }, { axes: [last], keepdims: true }, make).result;
    const scales = scaleOf[scale](rewriter, atLeast(rewriter, most, leastMagnitude, make), storage, make);
    const steps = rewriter.create(div, { a: blocks, b: scales }, {}, make).result;
    const rounded = rewriter.create(roundFloat, { x: steps }, { format: storage }, make).result;
    return outOfBlocks(rewriter, rewriter.create(mul, { a: rounded, b: scales }, {}, make).result, shape, make);
  }
}

type Make = { readonly source: string };

const atLeast = (rewriter: Rewriter, x: Value, min: number, make: Make): Value =>
  rewriter.create(clamp, { x }, { min, max: Number.POSITIVE_INFINITY }, make).result;

function times(rewriter: Rewriter, x: Value, factor: number, make: Make): Value {
  const b = createFloats(rewriter, `${make.source}.factor`, [], [factor]);
  return rewriter.create(mul, { a: x, b }, {}, make).result;
}

/**
 * Scales from the largest magnitudes of blocks [..., blocks, 1], in f32: absmax·fl32(1/largest); 2^(⌊log2 absmax⌋ − emax)
 * (OCP Microscaling Formats 1.0, section 6.3); E4M3 numbers of at least 2^−9 times the scale of a row, absmax of the
 * row·fl32(1/(448·largest)) (NVFP4, the row in the place of the tensor).
 */
const scaleOf = {
  f32: (rewriter: Rewriter, most: Value, storage: FloatActivation, make: Make) =>
    times(rewriter, most, 1 / formats.smallGrids[storage].largest, make),
  'power-of-two'(rewriter: Rewriter, most: Value, storage: FloatActivation, make: Make) {
    const power = rewriter.create(powerOfTwo, { x: most }, {}, make).result;
    const factor = formats.microscale({ absmax: 1, absmean: 1, whole: 1 }, formats.smallGrids[storage]);
    return times(rewriter, power, factor, make);
  },
  e4m3(rewriter: Rewriter, most: Value, storage: FloatActivation, make: Make) {
    const { largest } = formats.smallGrids[storage];
    const axes = [(most.type as TensorType).shape.length - 2];
    const whole = rewriter.create(reduceMax, { x: most }, { axes, keepdims: true }, make).result;
    const second = times(rewriter, whole, 1 / (e4m3.largest * largest), make);
    const wanted = rewriter.create(div, { a: times(rewriter, most, 1 / largest, make), b: second }, {}, make).result;
    const first = rewriter.create(roundFloat, { x: wanted }, { format: 'e4m3' }, make).result;
    const positive = atLeast(rewriter, first, e4m3.decode(1), make);
    return rewriter.create(mul, { a: positive, b: second }, {}, make).result;
  },
};

/** [..., K] as [..., K/block, block], the last block filled with zeros. */
function inBlocks(rewriter: Rewriter, x: Value, block: number, make: Make): Value {
  const { shape } = x.type as TensorType;
  const [rows, channels] = [shape.slice(0, -1), shape.at(-1) as number];
  const blocks = Math.ceil(channels / block);
  const missing = blocks * block - channels;
  const ends = [...rows.map(() => 0), missing];
  const pads = [...shape.map(() => 0), ...ends];
  const whole = missing === 0 ? x : rewriter.create(pad, { x }, { pads }, make).result;
  return rewriter.create(reshape, { x: whole }, { shape: [...rows, blocks, block] }, make).result;
}

/** Back to the shape of rows, without what was filled in. */
function outOfBlocks(rewriter: Rewriter, x: Value, shape: readonly Dim[], make: Make): Value {
  const [blocks, block] = (x.type as TensorType).shape.slice(-2) as [number, number];
  const whole = [...shape.slice(0, -1), blocks * block];
  const rows = rewriter.create(reshape, { x }, { shape: whole }, make).result;
  if (blocks * block === shape.at(-1)) return rows;
  const [starts, steps] = [shape.map(() => 0), shape.map(() => 1)];
  return rewriter.create(slice, { x: rows }, { starts, steps, sizes: shape }, make).result;
}
