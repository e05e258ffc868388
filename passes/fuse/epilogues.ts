import { fused } from '../../dialects/nn/fused.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { borderOf } from '../../dialects/quant/border.ts';
import { isChoice, operandKind, tensorType } from '../../kernels/index.ts';
import { type Op, Rewriter, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';

/** Ops after whose loops elementwise ops may follow, on each result before it is stored. */
const roots = new Set(['conv', 'matmul', 'pool']);

function canLead(op: Op): boolean {
  if (borderOf(op)) return false;
  const { lower } = op.definition;
  if (lower?.kind === 'template') return roots.has(lower.template);
  return lower?.kind === 'reduce' || lower?.kind === 'elementwise';
}

/**
 * Whether `next` may follow inside the kernel of `value`: elementwise or the same codes under another type, same shape,
 * other operands readable beside. A choice stands alone, so that what it does not take need not run.
 */
function canFollow(root: Op, value: Value, next: Op): boolean {
  if (borderOf(next)) return false;
  const kind = next.definition.lower?.kind;
  if ((kind !== 'elementwise' && kind !== 'alias') || next.results.length !== 1 || isChoice(next)) return false;
  const [type, result] = [tensorType(value), tensorType(next.result)];
  if (type.shape.join() !== result.shape.join()) return false;
  return next.operands.every((operand, i) => {
    if (operand === value || operand === undefined) return true;
    // a table is read by value, at any index
    if (next.name === 'int.table' && i === 1) return root.definition.lower?.kind === 'elementwise';
    return operandKind(tensorType(operand), result) !== undefined;
  });
}

/** The ops, from `root` on, that become one kernel. */
function chainFrom(root: Op): Op[] {
  const chain = [root];
  for (;;) {
    const last = chain.at(-1) as Op;
    if (last.results.length !== 1 || last.result.uses.size !== 1) return chain;
    const [next] = last.result.users;
    if (!next || next.block !== last.block || !canFollow(root, last.result, next)) return chain;
    chain.push(next);
  }
}

export const fuseEpilogues = definePass({
  name: 'fuse-epilogues',
  summary: 'Joins a contraction, pool, reduction or elementwise op with the elementwise ops that alone use its result.',
  phase: 'fuse',
  preserves: 'bits',
  run(module) {
    const rewriter = new Rewriter();
    const taken = new Set<Op>();
    for (const op of [...module.main.body.ops()]) {
      if (taken.has(op) || !canLead(op)) continue;
      const chain = chainFrom(op);
      for (const member of chain) taken.add(member);
      if (chain.length > 1) fuse(rewriter, chain);
    }
  },
});

/** Moves a chain into the region of one nn.fused, in the place of its last op. */
function fuse(rewriter: Rewriter, chain: readonly Op[]): void {
  const last = chain.at(-1) as Op;
  const inside = new Set(chain);
  const inputs = [
    ...new Set(
      chain.flatMap((op) => op.operands.filter((v): v is Value => v !== undefined && !inside.has(v.op as Op))),
    ),
  ];
  const holder = rewriter
    .before(last)
    .create(fused, { inputs }, {}, { types: [last.result.type], source: chain[0]?.source ?? '' });
  rewriter.replaceUses(last.result, holder.result);
  const region = rewriter.addRegion(holder);
  const args = new Map(inputs.map((value) => [value, region.addArgument(value.type, value.name)]));
  for (const op of chain) {
    rewriter.move(op, region);
    op.operands.forEach((operand, i) => {
      const arg = operand && args.get(operand);
      if (arg) rewriter.setOperand(op, i, arg);
    });
  }
  rewriter.atEnd(region).create(returnOp, { values: [last.result] });
}
