import { append } from '../../dialects/nn/append.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { type Module, type Op, Rewriter, type State, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** Finds the concatenations by which states grow: the state first, everything else behind it. */
export const appendStates = definePass({
  name: 'append-states',
  summary: 'Turns the concatenation by which a state grows into nn.append, which writes the new elements in its place.',
  phase: 'import',
  preserves: 'bits',
  run(module) {
    const rewriter = new Rewriter();
    for (const state of module.states) if (state.append) appendTo(module, rewriter, state, state.append.axis);
  },
});

// state[t+1] = concat(state[t], x) == append(state[t], x)
function appendTo({ main }: Module, rewriter: Rewriter, { input, output }: State, axis: number): void {
  const past = main.body.args.find((arg, i) => (arg.name ?? `input${i}`) === input);
  const result = main.body.last?.operand(main.resultNames.indexOf(output)) as Value;
  const { op } = result;
  if (append.is(op) && op.operand(0) === past) return;
  if (!concat.is(op) || !grows(op, past, axis)) {
    throw new QcError({
      what: `the output '${output}' is not the input '${input}' with new elements behind it`,
      where: op?.source ?? output,
      why: `it comes from ${op?.name ?? 'an input'}, not from a concatenation of '${input}' and other values along axis ${axis}`,
      help: 'a state that grows is joined as it is, first in a Concat; without append a state keeps its size',
    });
  }
  rewriter.before(op);
  const [, ...rest] = op.operands as Value[];
  const x = rest.length === 1 ? rest[0] : rewriter.create(concat, { xs: rest }, { axis }, { source: op.source }).result;
  rewriter.replace(op, [
    rewriter.create(append, { past: past as Value, x: x as Value }, { axis }, { source: op.source, name: output })
      .result,
  ]);
}

function grows(op: Op, past: Value | undefined, axis: number): boolean {
  const at = concat.attributesOf(op).axis;
  const rank = (op.result.type as TensorType).shape.length;
  return op.operands.length > 1 && op.operand(0) === past && (at < 0 ? at + rank : at) === axis;
}
