import type { KernelBuilder } from '../dialects/kernel/index.ts';
import type { Dim, Rewriter, TensorType, Value } from '../src/ir/index.ts';
import type { Target } from '../src/target/index.ts';
import type { Cluster } from './cluster.ts';

/** One way to run a cluster. */
export interface KernelVariant {
  /** What the machine must have; undefined: the target's baseline. */
  readonly feature: string | undefined;
  readonly build: (k: KernelBuilder) => void;
  /** Rows and outputs of a contraction's register tile. */
  readonly tile?: readonly [number, number];
}

/** What a template decides about one cluster: its buffers, and how to build the kernel for each variant. */
export interface KernelPlan {
  /** Tensors that the kernel reads, in the order of its buffer arguments; packed constants among them. */
  readonly operands: readonly Value[];
  /** The baseline first; others need their feature. Each build declares the same buffers. */
  readonly variants: readonly KernelVariant[];
  readonly multiplyAdds?: Dim;
  /** Operands whose buffer the result may take over. Default: none. */
  readonly inPlace?: readonly number[];
  /** Room to work in: buffers behind those of the results, that nothing reads afterwards. Default: none. */
  readonly scratch?: readonly TensorType[];
  /** The symbol of a size that the kernel finds: it writes it into one i32, its last buffer. Default: none. */
  readonly finds?: string;
}

/** What templates get beside the cluster. */
export interface KernelContext {
  readonly target: Target;
  /** Makes packing ops, right before the cluster. */
  readonly rewriter: Rewriter;
  /**
   * Packed codes of constant weights, as a kernel reads them: where fewer than 8 bits hold them they are stored in so
   * many, and become bytes by a kernel of their own, right before the cluster's.
   */
  codes(packed: Value, weights: Value): Value;
  /**
   * 8-bit codes as 16 bits, for kernels of the target's baseline alone: made right before the cluster by a kernel of its
   * own, which does nothing on machines with any of `features`.
   */
  wide(codes: Value, features: readonly string[]): Value;
  /** Declares the buffer argument for a tensor that is read. */
  input(k: KernelBuilder, name: string, value: Value): Value;
  /** Declares the buffer argument for a tensor that is written; of several, in the order of the op's results. */
  output(k: KernelBuilder, value: Value, name?: string): Value;
  /** The most that the size of a symbol can be. */
  most(symbol: string): number;
}

export type Template = (cluster: Cluster, context: KernelContext) => KernelPlan;

/** Relaxed machines join multiplication and addition: a way of its own for kernels of floats. */
export function withRelaxed({ contractions }: Target, build: KernelVariant['build']): KernelVariant[] {
  const features = contractions.includes('relaxed_dot_i8x16') ? [undefined, 'relaxed-simd'] : [undefined];
  return features.map((feature) => ({ feature, build }));
}
