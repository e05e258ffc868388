import { Compose, type OpMaker } from '../../../dialects/nn/composed/compose.ts';
import type { Op, Rewriter } from '../../../src/ir/index.ts';
import { createConstant } from '../../constants.ts';

/** Writes what an op means as other ops, at the rewriter's place. */
export function composing(rewriter: Rewriter, root: Op): Compose<OpMaker> {
  return new Compose<OpMaker>({
    create: (definition, operands, attributes = {}, types) =>
      rewriter.create(definition, operands, attributes, types ? { types } : {}),
    createConstant: (value) => createConstant(rewriter, `${root.source}.constant`, value),
  });
}
