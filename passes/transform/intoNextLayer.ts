import { add, mul } from '../../dialects/nn/binary.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import type { Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { op, type Rule, rule, value } from '../../src/rewrite/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { channelCount, perChannel, scaleChannels } from '../channels.ts';
import { withoutClamp } from '../clamps.ts';
import { constantName, createFloats, floatConstantOf } from '../constants.ts';
import { isMatrixLayer } from './structure/matrixLayer.ts';

/** A value times (or plus) one constant for each index of its last axis. */
interface LastAxis {
  readonly x: Value;
  readonly c: Float64Array;
}

/** `made` as x∘c, where matrix layers alone read it. */
function beforeLayers(made: Op | undefined, definition: typeof mul | typeof add): LastAxis | undefined {
  if (!made || made.definition !== definition || !withoutClamp(made)) return undefined;
  const read = [...made.result.uses].every(({ op: user, index }) => index === 0 && isMatrixLayer(user));
  if (!read) return undefined;
  const { shape } = made.result.type as TensorType;
  const depth = shape.at(-1);
  if (typeof depth !== 'number') return undefined;
  for (const [x, constant] of [
    [made.operand(0), made.operand(1)],
    [made.operand(1), made.operand(0)],
  ] as const) {
    const c = perChannel(constant, shape.length, shape.length - 1, depth);
    if (
      c?.every(Number.isFinite) &&
      (x.type as TensorType).shape.length === shape.length &&
      x.type === made.result.type
    )
      return { x, c };
  }
  return undefined;
}

function withWeights(rewriter: Rewriter, layer: Op, x: Value, weights: ArrayLike<number>, bias: Value | undefined) {
  const old = layer.operand(1);
  const shape = (floatConstantOf(old) as HostTensor).shape;
  const w = createFloats(rewriter, constantName(old, layer.source), shape, weights);
  const { definition, attributes, source } = layer;
  return rewriter.createRaw(definition, [x, w, bias], attributes, { source }).result;
}

const pattern = op(matmul, { a: value('a'), b: value('b') });

/** What stands before layers and is affine a channel joins their weights and biases; normalizations leave it there. */
export const intoNextLayer: readonly Rule[] = [
  // linear(x·c, w, b) == linear(x, c·w, b)
  rule('mul-into-next-linear', pattern, ({ root, a }, rewriter) => {
    const found = beforeLayers(a.op, mul);
    if (!found) return undefined;
    const { data, shape } = floatConstantOf(root.operand(1)) as HostTensor;
    const weights = scaleChannels(data as Float32Array, shape, 0, found.c);
    if (!weights.every((w) => Math.abs(w) < 2 ** 127)) return undefined;
    return withWeights(rewriter, root, found.x, weights, root.operands[2]);
  }),
  // linear(x + c, w, b) == linear(x, w, b + c·w)
  rule('add-into-next-linear', pattern, ({ root, a }, rewriter) => {
    const found = beforeLayers(a.op, add);
    if (!found) return undefined;
    const { data } = floatConstantOf(root.operand(1)) as HostTensor;
    const columns = channelCount(root);
    const old = floatConstantOf(root.operands[2])?.data;
    const sums = Float64Array.from({ length: columns }, (_, n) =>
      found.c.reduce((sum, c, k) => sum + c * (data[k * columns + n] as number), (old?.[n] as number) ?? 0),
    );
    const bias = createFloats(rewriter, `${constantName(root.operand(1), root.source)}.bias`, [columns], sums);
    return withWeights(rewriter, root, found.x, data as Float32Array, bias);
  }),
];
