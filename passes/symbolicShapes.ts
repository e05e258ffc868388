import { type Op, SymbolicShapeError, symbolsOf, type TensorType } from '../src/ir/index.ts';
import { QcError } from '../src/support/diagnostics.ts';

/** Does `work` on an op. @throws QcError that names it, where it needs a size that is not a number */
export function refusingSymbols<T>(op: Op, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SymbolicShapeError)) throw error;
    const values = [...op.operands, ...op.results];
    const dims = values.flatMap((value) => (value?.type.kind === 'tensor' ? (value.type as TensorType).shape : []));
    const open = [...new Set(dims.flatMap((dim) => [...symbolsOf(dim)]))];
    throw new QcError({
      what: `${op.name} needs to know the size of ${open.join(', ') || 'its operands'}`,
      where: op.source,
      why: 'there is no kernel for it that takes sizes when it runs',
      help: `give one size: ${open.map((name) => `--dim ${name}=128`).join(' ')}`,
    });
  }
}
