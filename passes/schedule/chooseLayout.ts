import { append } from '../../dialects/nn/append.ts';
import { relayout } from '../../dialects/nn/relayout.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { borderOf } from '../../dialects/quant/border.ts';
import {
  channelsLast,
  type Layout,
  layout,
  layoutText,
  type Op,
  physicalOrder,
  Rewriter,
  type TensorType,
  type Value,
  withLayout,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';

const typeOf = (value: Value): TensorType => value.type as TensorType;
const key = (l: Layout | undefined): string => (l ? layoutText(l) : '');

/** Templates whose kernels want channels innermost. */
const channelsLastTemplates = new Set(['conv', 'pool']);

function wantsChannelsLast(value: Value): boolean {
  return [...value.users].some(
    ({ definition: { lower } }) => lower?.kind === 'template' && channelsLastTemplates.has(lower.template),
  );
}

/** The memory of a state that grows: its axis outermost, so that elements keep their places. */
function outermost(axis: number, rank: number): Layout | undefined {
  return layout([axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)]);
}

/** What an op does with layouts: the layout that its result gets, from the (converted) operands. */
function decide(op: Op, convert: (index: number, to: Layout | undefined) => void): Layout | undefined {
  const { lower } = op.definition;
  const [first] = op.operands;
  const result = op.results[0] && typeOf(op.results[0]);
  if (!lower || !first || !result || borderOf(op)) {
    op.operands.forEach((v, i) => {
      // a state that grows is returned as it lies
      if (!(returnOp.is(op) && append.is(v?.op))) convert(i, undefined);
    });
    return undefined;
  }
  const x = typeOf(first);
  const rank = x.shape.length;
  switch (lower.kind) {
    case 'elementwise': {
      const sameShape = (v: Value | undefined) => v !== undefined && typeOf(v).shape.join() === result.shape.join();
      const leader = op.operands.find((v) => v !== undefined && sameShape(v) && typeOf(v).layout !== undefined);
      const chosen = leader && typeOf(leader).layout;
      op.operands.forEach((v, i) => {
        if (sameShape(v)) convert(i, chosen);
      });
      return chosen;
    }
    case 'reduce':
      return reducedLayout(op, x, result, lower.axes(op));
    case 'view': {
      if (op.name === 'nn.transpose') return transposedLayout(x, op.attributes.perm as readonly number[]);
      if (op.name === 'nn.pad' && wantsChannelsLast(op.result)) convert(0, channelsLast(rank));
      if (result.shape.length === rank) return typeOf(op.operand(0)).layout;
      convert(0, undefined);
      return undefined;
    }
    case 'alias': {
      if (x.shape.join() === result.shape.join()) return x.layout;
      convert(0, undefined);
      return undefined;
    }
    case 'template': {
      if (channelsLastTemplates.has(lower.template)) {
        convert(0, channelsLast(rank));
        return channelsLast(result.shape.length);
      }
      if (lower.template === 'relayout') return result.layout;
      if (lower.pointwise) return x.layout;
      if (lower.template === 'attention') return attentionLayout(op, convert);
      if (append.is(op)) {
        convert(1, x.layout);
        return x.layout;
      }
      const leader =
        lower.template === 'concat'
          ? op.operands.find((v) => v !== undefined && typeOf(v).layout !== undefined)
          : undefined;
      op.operands.forEach((_, i) => {
        convert(i, leader && typeOf(leader).layout);
      });
      return leader && typeOf(leader).layout;
    }
  }
}

/** Attention reads rows wherever they begin, and writes its own as queries lie. */
function attentionLayout(op: Op, convert: (index: number, to: Layout | undefined) => void): Layout | undefined {
  const bias = Object.keys(op.definition.operands).indexOf('bias');
  op.operands.forEach((v, i) => {
    if (!v) return;
    const { layout: own, shape } = typeOf(v);
    const isRows = physicalOrder(own, shape.length).at(-1) === shape.length - 1;
    if (i === bias || !isRows) convert(i, undefined);
  });
  return typeOf(op.operand(0)).layout;
}

/** The memory of a transposed tensor, named by the result's axes: nothing moves. */
function transposedLayout(x: TensorType, perm: readonly number[]): Layout | undefined {
  const order = physicalOrder(x.layout, perm.length).map((axis) => perm.indexOf(axis));
  return layout(order);
}

/** Kept axes stay in their physical order. */
function reducedLayout(op: Op, x: TensorType, result: TensorType, axes: readonly number[]): Layout | undefined {
  const rank = x.shape.length;
  if (result.shape.length === rank) return x.layout;
  const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !reduced.has(axis));
  const order = physicalOrder(x.layout, rank).filter((axis) => !reduced.has(axis));
  if (result.shape.length !== kept.length) throw new Error(`${op.name}: unexpected rank`);
  return layout(order.map((axis) => kept.indexOf(axis)));
}

export const chooseLayout = definePass({
  name: 'choose-layout',
  summary:
    'Puts channels innermost where convolutions and pools want them; transposes become names of axes, not copies.',
  phase: 'schedule',
  preserves: 'bits',
  run(module) {
    const rewriter = new Rewriter();
    const known = new Map<Value, Map<string, Value>>();
    for (const { input, append: grows } of module.states) {
      const arg = module.main.body.args.find(({ name }, i) => (name ?? `input${i}`) === input);
      if (grows && arg) rewriter.setLayout(arg, outermost(grows.axis, typeOf(arg).shape.length));
    }
    for (const op of module.main.body.ops()) {
      const convert = (index: number, to: Layout | undefined): void => {
        const value = op.operands[index];
        if (value?.type.kind !== 'tensor' || key(value.type.layout) === key(to)) return;
        const converted = known.get(value) ?? new Map<string, Value>();
        known.set(value, converted);
        let other = converted.get(key(to));
        if (!other) {
          const types = [withLayout(value.type, to)];
          other = rewriter
            .before(op)
            .create(relayout, { x: value }, {}, { types, source: value.op?.source ?? op.source }).result;
          converted.set(key(to), other);
        }
        rewriter.setOperand(op, index, other);
      };
      const chosen = decide(op, convert);
      for (const result of op.results) {
        rewriter.setLayout(result, chosen);
      }
    }
  },
});
