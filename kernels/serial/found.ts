import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Dim, type Op, symbol, symbolsOf, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

// Kernels of ops whose results are as large as data decide: they say how large in a buffer behind all others.

/** The symbol of the size that an op finds. @throws QcError where the size was given as a number */
export function foundSymbol(op: Op): string {
  const [count] = op.attributes.count as readonly [Dim];
  const [name] = symbolsOf(count);
  if (name !== undefined && count === symbol(name)) return name;
  throw new QcError({
    what: `${op.name} finds its size, and ${count} was given for it`,
    where: op.source,
    help: `give bounds instead: --dim NAME=0..${count}`,
  });
}

/** Writes down what was found, behind all other buffers of the kernel. */
export function storeFound(k: KernelBuilder, count: Value): void {
  k.store(k.convert(count, 'i32'), k.buffer('found', 'i32', 'output'), k.index(0));
}
