import { cast } from '../../dialects/nn/cast.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { isHalf } from '../../dialects/nn/halves.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import {
  type Module,
  type Op,
  Rewriter,
  type ScalarType,
  type TensorType,
  type Type,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { decodeBf16, decodeF16 } from '../../src/numerics/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { constantOf, createFloats } from '../constants.ts';

/**
 * Kernels compute floats in single precision: what a model computes in 16 bits is computed in 32. Inputs, outputs and
 * the casts that a model has keep their types; what lies between them is rounded less often.
 */
export const widenFloats = definePass({
  name: 'widen-floats',
  summary: 'Computes in f32 what a model computes in f16 or bf16; its inputs, outputs and casts keep their types.',
  phase: 'import',
  preserves: { tolerance: 1e-2 },
  run(module) {
    const ops = [...module.main.body.ops()];
    const values = [...module.main.body.args, ...ops.flatMap(({ results }) => results)];
    // regions declare the types of what goes in and out
    if (!values.some(isHalfTensor) || ops.some(({ regions }) => regions.length > 0)) return;
    const rewriter = new Rewriter().atStart(module.main.body);
    for (const arg of module.main.body.args) if (isHalfTensor(arg)) widenAfter(arg, arg.name ?? '', rewriter);
    for (const op of ops) widen(op, module, rewriter);
  },
});

const elementOf = ({ type }: Value): ScalarType | undefined =>
  type.kind === 'tensor' && typeof type.element === 'string' ? type.element : undefined;

function isHalfTensor(value: Value): boolean {
  const element = elementOf(value);
  return element !== undefined && isHalf(element);
}

/** Its f32 in the place of a value, which only a cast reads from now on. */
function widenAfter(value: Value, source: string, rewriter: Rewriter): void {
  const wide = rewriter.create(cast, { x: value }, { to: 'f32' }, { source });
  for (const { op, index } of [...value.uses]) if (op !== wide) rewriter.setOperand(op, index, wide.result);
}

function widen(op: Op, module: Module, rewriter: Rewriter): void {
  rewriter.before(op);
  if (returnOp.is(op)) {
    op.operands.forEach((value, i) => {
      const to = (module.main.resultTypes[i] as TensorType).element as ScalarType;
      if (value && isHalf(to) && elementOf(value) === 'f32') {
        const source = module.main.resultNames[i] ?? '';
        rewriter.setOperand(op, i, rewriter.create(cast, { x: value }, { to }, { source }).result);
      }
    });
    return;
  }
  if (!op.results.some(isHalfTensor)) {
    if (cast.is(op) && elementOf(op.operand(0)) === cast.attributesOf(op).to) rewriter.replace(op, [op.operand(0)]);
    return;
  }
  if (constant.is(op)) rewriter.replace(op, [widened(op, rewriter)]);
  else if (cast.is(op) || op.operands.some((value) => value && elementOf(value) === undefined)) {
    rewriter.after(op);
    for (const result of op.results) if (isHalfTensor(result)) widenAfter(result, op.source, rewriter);
  } else {
    const attributes = 'element' in op.attributes ? { ...op.attributes, element: 'f32' } : op.attributes;
    const again = rewriter.createRaw(op.definition, op.operands, attributes, { types: op.results.map(wideType) });
    rewriter.replace(op, again.results);
  }
}

function wideType(value: Value): Type {
  return isHalfTensor(value) ? tensor((value.type as TensorType).shape, 'f32') : value.type;
}

function widened(op: Op, rewriter: Rewriter): Value {
  const { dtype, shape, data } = constantOf(op.result) as NonNullable<ReturnType<typeof constantOf>>;
  const decode = dtype === 'f16' ? decodeF16 : decodeBf16;
  return createFloats(rewriter, op.result.name ?? op.source, shape, Float32Array.from(data as Uint16Array, decode));
}
