import { attr, type Module, type Op } from '../../src/ir/index.ts';
import { didYouMean, QcError } from '../../src/support/diagnostics.ts';
import { matchesName } from '../../src/support/pattern.ts';

/** The option of passes that leave layers in float: names of the model's nodes; `*` and `?` stand for any characters. */
export const skipOption = attr.strings([]);

/** The ops whose node is named by one of the patterns. @throws QcError for a pattern that names no layer */
export function keptInFloat(module: Module, patterns: readonly string[]): ReadonlySet<Op> {
  const layers = [...module.main.body.ops()].filter((op) => op.source !== '' && op.operands.length > 0);
  const kept = new Set<Op>();
  for (const pattern of patterns) {
    const named = layers.filter((op) => matchesName(pattern, op.source));
    if (named.length === 0) throw unknownLayer(pattern, new Set(layers.map((op) => op.source)));
    for (const op of named) kept.add(op);
  }
  return kept;
}

function unknownLayer(pattern: string, names: ReadonlySet<string>): QcError {
  const near = didYouMean(pattern, names);
  return new QcError({
    what: `no layer is called '${pattern}'`,
    why: 'layers have the names of the nodes of the model; a node that was folded into another one is part of that',
    help: near === undefined ? `the model has ${[...names].slice(0, 8).join(', ')} …` : `did you mean '${near}'?`,
  });
}
