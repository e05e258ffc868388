import { ifOp } from '../../dialects/nn/if.ts';
import { type Dim, symbolsOf, type TensorType, tensor, Value } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { Regions, tensorsOf, typeOf } from './region.ts';
import type { Item } from './scope.ts';
import type { Call } from './structural.ts';

/** The branch that a constant condition takes in place of the node; else an nn.if. */
export function importIf({ node, item, frame, importer }: Call): readonly Item[] {
  const { builder, symbols } = importer.state;
  const condition = item(0);
  if (!(condition instanceof Value)) return node.refuse('a condition that is no tensor');
  const branches = [node.graph('then_branch'), node.graph('else_branch')] as const;
  const known = builder.constantOf(condition)?.data[0] ?? builder.dimsOf(condition)?.[0];
  if (typeof known === 'number' || typeof known === 'bigint') {
    const branch = branches[known ? 0 : 1];
    const find = (name: string) => frame.scope.find(name);
    return importer.importGraph(branch, importer.inside(frame, branch, find), (name) => find(name) !== undefined);
  }
  const op = builder.rewriter.createRaw(ifOp, [condition], {}, { types: [], source: node.name });
  const regions = new Regions(op, 2, importer, frame);
  const why = 'the condition depends on data, and then both branches must give tensors';
  const results = branches.map((branch, i) =>
    tensorsOf(
      regions.graph(i, branch, () => undefined),
      branch,
      why,
    ),
  );
  results.forEach((values, i) => {
    regions.finish(i, values);
  });
  const [yes, no] = results as [Value[], Value[]];
  if (yes.length !== no.length) return node.refuse(`branches with ${yes.length} and ${no.length} outputs`);
  const fresh = (i: number): Dim => symbols.dataDependent(`${node.name}_${i}`, undefined);
  return regions.complete(yes.map((value, i) => commonType(typeOf(value), typeOf(no[i] as Value), fresh)));
}

/** What to do where the condition may depend on sizes that are open. */
function openSizes(dims: readonly Dim[]): string {
  const symbols = new Set(dims.flatMap((dim) => [...symbolsOf(dim)]));
  return symbols.size === 0 ? '' : `give the sizes (${[...symbols].map((s) => `--dim ${s}=…`).join(' ')}), or `;
}

/** The type that holds the results of both branches; sizes that differ depend on data. @throws QcError */
function commonType(a: TensorType, b: TensorType, fresh: (i: number) => Dim): TensorType {
  if (a.element !== b.element || a.shape.length !== b.shape.length) {
    throw new QcError({
      what: `the branches give ${a.key} and ${b.key}`,
      why: 'element types and ranks must be the same whichever branch is taken',
      help: `${openSizes([...a.shape, ...b.shape])}export the model with a constant condition`,
    });
  }
  const shape = a.shape.map((dim, i) => (dim === b.shape[i] ? dim : fresh(i)));
  return tensor(shape, a.element);
}
