import { isPacking } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { relayout } from '../../dialects/nn/relayout.ts';
import {
  type OpDefinition,
  Resource,
  Rewriter,
  staticShape,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export const foldPacking = definePass({
  name: 'fold-packing',
  summary: 'Computes what kernels want of constants: packed weights, start vectors, other layouts.',
  phase: 'lower',
  preserves: 'bits',
  run(module) {
    const rewriter = new Rewriter();
    const unread = new Set<Value>();
    for (const op of [...module.main.body.ops()]) {
      const operands = op.operands;
      if (relayout.is(op) && constant.is(op.operand(0).op)) {
        const { value } = constant.attributesOf(op.operand(0).op as NonNullable<Value['op']>);
        unread.add(op.operand(0));
        rewriter.before(op);
        const types = [op.result.type];
        rewriter.replace(op, [rewriter.create(constant, {}, { value }, { types }).result]);
      } else if (isPacking(op)) {
        const inputs = operands.map((v) => v && constantTensor(v, op.source));
        const context = { results: [op.result.type as TensorType], regions: [] };
        const [result] = (op.definition.evaluate as Evaluate)(inputs, op.attributes, context) as [HostTensor];
        const name = `${constant.attributesOf(op.operand(0).op as NonNullable<Value['op']>).value.name}.${op.name.slice(7)}`;
        const value = Resource.of(name, result.dtype, result.data);
        for (const v of operands) if (v) unread.add(v);
        rewriter.before(op);
        rewriter.replace(op, [rewriter.create(constant, {}, { value }, { types: [op.result.type], name }).result]);
      }
    }
    for (const value of unread) if (value.uses.size === 0 && value.op) rewriter.erase(value.op);
  },
});

type Evaluate = NonNullable<OpDefinition['evaluate']>;

function constantTensor(value: Value, source: string): HostTensor {
  if (!constant.is(value.op)) {
    throw new QcError({
      what: 'the weights or the bias of a contraction are computed at run time',
      where: source,
      why: 'kernels are packed for weights that are known when compiling',
      help: 'this is not supported yet; export the model with constant weights',
    });
  }
  const { value: resource } = constant.attributesOf(value.op);
  const type = value.type as TensorType;
  return { dtype: storageOf(type.element) as HostTensor['dtype'], shape: staticShape(type), data: resource.data() };
}
