import { mul } from '../../dialects/nn/binary.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { range } from '../../dialects/nn/range.ts';
import { shapeOf } from '../../dialects/nn/shape.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { evaluateOp, hasOpenSizes } from '../../src/interpret/index.ts';
import { attr, isInteger, type Op, Resource, Rewriter, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import { type DType, elementCount, type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { constantOf } from '../constants.ts';

/** Computes what does not depend on the inputs, unless it is more data than `limit` elements beyond its operands. */
export const foldConstants = definePass({
  name: 'fold-constants',
  summary: 'Computes at compile time what depends on constants alone.',
  phase: 'import',
  options: {
    limit: attr.int(65536),
    /** Whether constants that are stored as codes stay codes. */
    keep_codes: attr.bool(false),
  },
  preserves: 'bits',
  run(module, { limit, keep_codes }, context) {
    const rewriter = new Rewriter();
    const { body } = module.main;
    for (const op of body.ops()) {
      const operands = keep_codes && dcast.is(op) ? undefined : foldable(op, limit);
      if (!operands) continue;
      const results = evaluateOp(op, operands);
      rewriter.before(op);
      context.trace?.({ rule: 'fold-constants', op: op.name, source: op.source });
      rewriter.replace(
        op,
        results.map((tensor, i) => materialize(rewriter, op, tensor, op.results[i] as Value)),
      );
    }
    applyGreedily(body, []);
  },
});

/** The constant operands of an op that may be computed, or undefined. */
function foldable(op: Op, limit: number): HostTensor[] | undefined {
  const { effect, terminator, evaluate } = op.definition;
  if (effect !== 'pure' || terminator || !evaluate || op.definition === constant || op.regions.length > 0)
    return undefined;
  if (!op.results.every((result) => hasStaticShape(result))) return undefined;
  if ((op.operands.length === 0 && !range.is(op)) || hasOpenSizes(op)) return undefined;
  const isReadable = shapeOf.is(op) ? hasStaticShape : (value: Value) => constant.is(value.op);
  if (isTimesZero(op)) return (op.operands as readonly Value[]).map(zerosLike);
  if (!op.operands.every((operand) => operand !== undefined && isReadable(operand))) return undefined;
  const size = (values: readonly Value[]) =>
    values.reduce((n, { type }) => n + elementCount((type as TensorType).shape as number[]), 0);
  if (size(op.results) > size(op.operands as Value[]) + limit) return undefined;
  // Weights may lie in files: nothing is read before it is clear that it is wanted.
  const operands = op.operands.map(shapeOf.is(op) ? shapeAlone : constantOf);
  return operands.every((operand) => operand !== undefined) ? operands : undefined;
}

/** a·0 == 0 for integers, whatever a is. */
function isTimesZero(op: Op): boolean {
  if (!mul.is(op) || !op.operands.every((v) => v && hasStaticShape(v))) return false;
  const { element } = op.result.type as TensorType;
  if (typeof element !== 'string' || !isInteger(element)) return false;
  return op.operands.some((v) => constantOf(v)?.data.every((x) => Number(x) === 0));
}

function zerosLike({ type }: Value): HostTensor {
  const { element, shape } = type as TensorType & { element: DType; shape: readonly number[] };
  const data = new (typedArrayOf(element))(elementCount(shape));
  return { dtype: element, shape, data } as HostTensor;
}

/** A tensor of which only the shape matters; undefined where that is not known. */
function shapeAlone(value: Value | undefined): HostTensor | undefined {
  if (!value || !hasStaticShape(value)) return undefined;
  return { dtype: 'u8', shape: (value.type as TensorType).shape as number[], data: new Uint8Array(0) };
}

const hasStaticShape = (value: Value) =>
  value.type.kind === 'tensor' && value.type.shape.every((dim) => typeof dim === 'number');

function materialize(rewriter: Rewriter, op: Op, { dtype, data }: HostTensor, result: Value): Value {
  const name = result.name ?? op.source;
  const value = Resource.of(name, dtype, data);
  return rewriter.create(constant, {}, { value }, { types: [result.type], name }).result;
}
