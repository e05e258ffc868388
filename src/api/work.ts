import { isContraction, isQuantizable } from '../../passes/quantize/capabilities.ts';
import { isFloat, type Module, type Op, storageOf, type TensorType } from '../ir/index.ts';
import { matchesName } from '../support/pattern.ts';

/** What a model computes, counted on its mathematics: after `integer/`, before kernels. */
export interface Work {
  readonly multiplyAdds: number;
  /** Share of the multiply-adds that is computed in integers, 0 to 1. */
  readonly integerShare: number;
  readonly float: readonly FloatOperation[];
}

/** An operation that is computed in float though the scheme asks for integers. */
export interface FloatOperation {
  /** The model's own name of the node. */
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

/** Ops that hold or move elements, and those that compute nothing of their own. */
function computes(op: Op): boolean {
  const { definition } = op;
  if (definition.terminator || definition.typing === 'moves' || op.operands.length === 0) return false;
  // expand-dcast writes the border from accumulators to float as a conversion and this multiplication.
  if (op.name === 'nn.mul' && op.operands.some((value) => value?.op?.name === 'quant.dcast')) return false;
  return !op.name.startsWith('quant.') && op.results.some(({ type }) => type.kind === 'tensor');
}

function isFloatOp(op: Op): boolean {
  if (op.name.startsWith('int.')) return false;
  return op.results.some(({ type }) => {
    const storage = type.kind === 'tensor' ? storageOf((type as TensorType).element) : 'index';
    return isFloat(storage);
  });
}

/**
 * Counts the work of a module in which values are still tensors.
 * @param keepFloat names or patterns of layers that were to stay float
 */
export function workOf(module: Module, keepFloat: readonly string[] = []): Work {
  let whole = 0;
  let inFloat = 0;
  const float: FloatOperation[] = [];
  for (const op of module.ops()) {
    const { multiplyAdds } = op.definition.cost(op);
    whole += multiplyAdds;
    if (!isFloatOp(op)) continue;
    inFloat += multiplyAdds;
    if (computes(op)) float.push({ node: op.source, op: op.name, reason: reasonOf(op, keepFloat) });
  }
  return { multiplyAdds: whole, integerShare: whole === 0 ? 0 : (whole - inFloat) / whole, float };
}

function reasonOf(op: Op, keepFloat: readonly string[]): string {
  if (keepFloat.some((pattern) => matchesName(pattern, op.source))) return 'it was to be kept in float';
  if (isContraction(op)) return 'its operands stayed float';
  if (isQuantizable(op))
    return 'it lies before the first or after the last quantized contraction, or between float operations';
  return 'it has no integer form yet';
}
