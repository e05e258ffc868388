import { launch } from '../dialects/kernel/index.ts';
import { type Dim, DimExpr, type Module, type Op, Rewriter, symbolsOf } from '../src/ir/index.ts';

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

/** Erases the ops whose results nobody reads, and whose sizes no type and no attribute speaks of. */
export function eraseUnusedFinders(module: Module): void {
  const rewriter = new Rewriter();
  for (const [name, op] of [...foundSizes(module)].reverse()) {
    const isUsed = [...module.main.body.ops()].some((other) => other !== op && mentions(other, name));
    if (!isUsed && op.results.every(({ uses }) => uses.size === 0)) rewriter.erase(op);
  }
}

/** Whether an op, or one in its regions, speaks of a symbol. */
function mentions(op: Op, name: string): boolean {
  const speaks = (dim: unknown) => dim instanceof DimExpr && symbolsOf(dim).has(name);
  return (
    op.results.some(({ type }) => type.kind === 'tensor' && type.shape.some(speaks)) ||
    Object.values(op.attributes).some((value) => [value].flat().some(speaks)) ||
    op.regions.some((region) => [...region.ops()].some((inner) => mentions(inner, name)))
  );
}
