import { launch } from '../dialects/kernel/index.ts';
import { type Dim, type Module, type Op, symbolsOf } from '../src/ir/index.ts';

/** The sizes of @main that data decide and kernels find, by their symbols: which op finds each. */
export function foundSizes({ main }: Module): Map<string, Op> {
  const found = new Map<string, Op>();
  for (const op of main.body.ops()) {
    if (launch.is(op)) {
      const { finds } = launch.attributesOf(op);
      if (finds !== '') found.set(finds, op);
    }
    if (!op.definition.dataDependent || op.regions.length > 0) continue;
    for (const dim of op.attributes.count as readonly Dim[]) for (const name of symbolsOf(dim)) found.set(name, op);
  }
  return found;
}
