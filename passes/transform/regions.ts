import { reshape } from '../../dialects/nn/reshape.ts';
import { where } from '../../dialects/nn/where.ts';
import type { Block, Op, Rewriter, TensorType, Value } from '../../src/ir/index.ts';

/** Most ops that a region written out may come to: kernels have a size. */
export const mostOps = 4096;

/** Whether a region is plain ops, so that it can be written out. */
export function isPlain(region: Block): boolean {
  return [...region.ops()].every((inner) => inner.regions.length === 0);
}

/** Whether data decide sizes within a region: written out twice, it would have two values for one symbol. */
export function findsSizes(region: Block): boolean {
  return [...region.ops()].some((inner) => inner.definition.dataDependent);
}

/** The ops of a region again, on other arguments: what it gives. */
export function inlined(rewriter: Rewriter, region: Block, args: readonly Value[]): Value[] {
  const values = new Map<Value, Value>(region.args.map((arg, i) => [arg, args[i] as Value]));
  const of = (value: Value | undefined) => value && (values.get(value) ?? value);
  const ops = [...region.ops()];
  for (const inner of ops.slice(0, -1)) {
    const types = inner.results.map((result) => result.type);
    const made = rewriter.createRaw(inner.definition, inner.operands.map(of), inner.attributes, {
      types,
      source: inner.source,
    });
    inner.results.forEach((result, i) => {
      values.set(result, made.results[i] as Value);
    });
  }
  return (ops.at(-1) as Op).operands.map((value) => of(value) as Value);
}

/** Values of one of two ways, by a condition of one element. */
export function chosen(
  rewriter: Rewriter,
  condition: Value,
  yes: readonly Value[],
  no: readonly Value[],
): readonly Value[] {
  const isScalar = (condition.type as TensorType).shape.length === 0;
  const flag = isScalar ? condition : rewriter.create(reshape, { x: condition }, { shape: [] }).result;
  return yes.map((a, i) => {
    const b = no[i] as Value;
    return a === b ? a : rewriter.create(where, { condition: flag, a, b }).result;
  });
}

/** Whether two lists of values have the same types. */
export function sameTypes(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => value.type === b[i]?.type);
}
