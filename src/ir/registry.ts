import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { OpDefinition } from './define.ts';

/** The ops that a program knows by name. */
export class Registry {
  readonly ops: ReadonlyMap<string, OpDefinition>;

  constructor(definitions: Iterable<OpDefinition>) {
    this.ops = new Map([...definitions].map((definition) => [definition.name, definition]));
  }

  /** The op called `name`. Throws a QcError with a suggestion when there is none. */
  get(name: string, where?: string): OpDefinition {
    const definition = this.ops.get(name);
    if (definition) return definition;
    const near = didYouMean(name, this.ops.keys());
    throw new QcError({ what: `there is no op '${name}'`, where, help: near ? `did you mean '${near}'?` : undefined });
  }
}
