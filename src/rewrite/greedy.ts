import { type Block, type Op, type OpDefinition, Rewriter, type Value, walk } from '../ir/index.ts';
import { InternalError } from '../support/diagnostics.ts';
import type { Rule } from './pattern.ts';

/** A rewrite that happened. */
export interface TraceEntry {
  readonly rule: string;
  readonly op: string;
  readonly source: string;
}

export type Trace = (entry: TraceEntry) => void;

/**
 * Applies rules until none matches, from the first op to the last, visiting again what a change has touched.
 * Pure ops that nothing uses are erased on the way.
 *
 * @returns whether anything changed.
 * @throws InternalError when the rules do not come to rest.
 */
export function applyGreedily(block: Block, rules: readonly Rule[], trace?: Trace): boolean {
  const byRoot = new Map<OpDefinition, Rule[]>();
  for (const rule of rules) {
    const list = byRoot.get(rule.root.definition);
    if (list) list.push(rule);
    else byRoot.set(rule.root.definition, [rule]);
  }
  const worklist = new Set<Op>(walk(block));
  const revisit = (op: Op) => {
    worklist.add(op);
    for (const result of op.results) for (const user of result.users) worklist.add(user);
    for (const operand of op.operands) if (operand?.op) worklist.add(operand.op);
    if (op.block?.parent) worklist.add(op.block.parent);
  };
  const rewriter = new Rewriter({
    created: revisit,
    changed: revisit,
    erased(op) {
      worklist.delete(op);
      for (const operand of op.operands) if (operand?.op) worklist.add(operand.op);
    },
  });
  const limit = 1000 + 200 * worklist.size;
  let steps = 0;
  let changed = false;
  for (const op of worklist) {
    worklist.delete(op);
    if (!op.block) continue;
    if (isDead(op)) {
      rewriter.erase(op);
      changed = true;
      continue;
    }
    for (const rule of byRoot.get(op.definition) ?? []) {
      const entry = { rule: rule.name, op: op.name, source: op.source };
      if (!rule.apply(op, rewriter)) continue;
      if (++steps > limit) throw new InternalError(`rewrites do not come to rest; the last was ${rule.name}`);
      trace?.(entry);
      changed = true;
      break;
    }
  }
  return changed;
}

/** A pure op whose results nothing uses. */
export function isDead(op: Op): boolean {
  return (
    op.definition.effect === 'pure' &&
    !findsSize(op) &&
    !op.definition.terminator &&
    op.results.length > 0 &&
    op.results.every((result: Value) => result.uses.size === 0)
  );
}

/** Whether data decide the size of an op's results: other types may speak of that size where nobody reads the results. */
function findsSize({ definition, regions }: Op): boolean {
  return definition.dataDependent && regions.length === 0;
}
