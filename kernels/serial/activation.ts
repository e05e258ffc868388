import { expF32, logF32, sigmoidF32, tanhF32 } from '../../dialects/kernel/elementary.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Op, Value } from '../../src/ir/index.ts';

type Activation = (k: KernelBuilder, x: Value, alpha: Value, beta: Value) => Value;

const number = (k: KernelBuilder, value: number, like: Value) => k.constant(value, 'f32', like);
const whereNegative = (k: KernelBuilder, x: Value, a: Value, b: Value) =>
  k.select(k.cmp('lt', x, number(k, 0, x)), a, b);

/** The activations of ONNX's recurrent operators. */
const activations: Record<string, Activation> = {
  Relu: (k, x) => k.max(x, number(k, 0, x)),
  Tanh: (k, x) => tanhF32(k, x),
  Sigmoid: (k, x) => sigmoidF32(k, x),
  Affine: (k, x, alpha, beta) => k.add(k.mul(alpha, x), beta),
  LeakyRelu: (k, x, alpha) => whereNegative(k, x, k.mul(alpha, x), x),
  ThresholdedRelu: (k, x, alpha) => k.select(k.cmp('gt', x, alpha), x, number(k, 0, x)),
  ScaledTanh: (k, x, alpha, beta) => k.mul(alpha, tanhF32(k, k.mul(beta, x))),
  HardSigmoid: (k, x, alpha, beta) => k.min(k.max(k.add(k.mul(alpha, x), beta), number(k, 0, x)), number(k, 1, x)),
  Elu: (k, x, alpha) => whereNegative(k, x, k.mul(alpha, k.sub(expF32(k, x), number(k, 1, x))), x),
  Softsign: (k, x) => k.div(x, k.add(number(k, 1, x), k.abs(x))),
  Softplus(k, x) {
    const tail = logF32(k, k.add(number(k, 1, x), expF32(k, k.neg(k.abs(x)))));
    return k.add(k.max(x, number(k, 0, x)), tail);
  },
};

/** The `count` activations of one direction; what goes into the first two, the gates', is limited to ±clip. */
export function activationsOf(root: Op, direction: number, count: number): ((k: KernelBuilder, x: Value) => Value)[] {
  const { activations: names, alphas, betas } = root.attributes as Record<string, readonly never[]>;
  const clip = (root.attributes.clip as number | undefined) ?? Infinity;
  return Array.from({ length: count }, (_, i) => {
    const at = direction * count + i;
    const apply = activations[names?.[at] ?? ''] as Activation;
    return (k, x) => {
      const limited = i < 2 && clip < Infinity ? k.max(k.min(x, number(k, clip, x)), number(k, -clip, x)) : x;
      return apply(k, limited, number(k, alphas?.[at] ?? 0, x), number(k, betas?.[at] ?? 0, x));
    };
  });
}
