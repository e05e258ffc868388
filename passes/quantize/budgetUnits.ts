import type { Op } from '../../src/ir/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import {
  activationWidth,
  type Budget,
  type LayerScheme,
  storageBits,
  type WeightScheme,
} from '../../src/scheme/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floatConstantOf } from '../constants.ts';

/** A layer whose weights will be codes, as the recipe says where nothing else is decided. */
export interface StoredLayer {
  readonly op: Op;
  readonly scheme: LayerScheme & { readonly weights: WeightScheme };
}

/** Bits of a weight that a budget chooses from. */
export const widths = [2, 3, 4, 5, 6, 8] as const;

/** What a budget counts. */
export interface BudgetUnit {
  /** In the plural. */
  readonly name: string;
  /** What a layer takes, a whole number. */
  readonly of: (layer: StoredLayer, bits: number) => number;
  /** What all layers take as the recipe says. */
  readonly plain: number;
  readonly most: number;
}

/** @throws QcError for a budget of latency where nothing has measured any */
export async function budgetUnit(
  budget: Budget,
  layers: readonly StoredLayer[],
  context: PassContext,
): Promise<BudgetUnit> {
  const { name, of, share, most } = await measureOf(budget, context);
  const plain = layers.reduce((sum, layer) => sum + of(layer, storageBits(layer.scheme.weights.storage)), 0);
  return { name, of, plain, most: most ?? (share as number) * plain };
}

interface Measure extends Pick<BudgetUnit, 'name' | 'of'> {
  readonly share?: number;
  readonly most?: number;
}

async function measureOf(budget: Budget, context: PassContext): Promise<Measure> {
  if ('bytes' in budget) return { name: 'bytes of codes', of: bytesOf, most: budget.bytes };
  if ('share' in budget) return { name: 'bytes of codes', of: bytesOf, share: budget.share };
  if ('bops' in budget) return { name: 'bit operations', of: bitOperations, share: budget.bops };
  const times = await context.latencies?.(widths);
  if (!times) {
    throw new QcError({
      what: 'a budget of latency needs measured times',
      why: 'times of layers come from runs on the target',
      help: 'compile the model, rather than running this pass alone',
    });
  }
  const of = ({ op }: StoredLayer, bits: number) => Math.round(1e6 * (times.get(op.source)?.get(bits) ?? 0));
  const limit = 'milliseconds' in budget ? { most: 1e6 * budget.milliseconds } : { share: budget.latency };
  return { name: 'nanoseconds of layers', of, ...limit };
}

/** Of the codes of a layer's weights. */
function bytesOf({ op }: StoredLayer, bits: number): number {
  return Math.ceil(((floatConstantOf(op.operands[1]) as HostTensor).data.length * bits) / 8);
}

/** Multiply-adds times the bits of both factors; floats have 32. Source: HAWQ-V3, section 3.4. */
function bitOperations({ op, scheme: { activations } }: StoredLayer, bits: number): number {
  return op.definition.cost(op).multiplyAdds * bits * (activations ? activationWidth(activations.storage) : 32);
}
