import { composedMappings } from '../../dialects/nn/composed/index.ts';
import { blockMappings } from '../../dialects/nn/depthToSpace.ts';
import type { OnnxMapping, Registry, Value } from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import { operatorMappings } from './operators/index.ts';
import { refusalOf } from './refused.ts';

/** Operators that leave nothing behind. */
const dropped: readonly OnnxMapping[] = [{ op: 'Identity', build: (node): Value => node.input(0) }];

/** The operators that can be imported: by domain and name, the meanings of each. */
export class Mappings {
  /** Every meaning of every operator. */
  readonly all: readonly OnnxMapping[];
  readonly #byName = new Map<string, OnnxMapping[]>();

  constructor(registry: Registry) {
    this.all = [
      ...dropped,
      ...blockMappings,
      ...composedMappings,
      ...operatorMappings,
      ...[...registry.ops.values()].flatMap((op) => op.onnx),
    ];
    for (const mapping of this.all) {
      const key = keyOf(mapping.op, mapping.domain ?? '');
      const list = this.#byName.get(key);
      if (list) list.push(mapping);
      else this.#byName.set(key, [mapping]);
    }
  }

  /** Names of the operators, those of other domains with their domain. */
  get names(): string[] {
    return [...this.#byName.keys()].sort();
  }

  /** The meaning of an operator in a version of its operator set. @throws QcError that says what is supported. */
  find(opType: string, domain: string, version: number, where: string): OnnxMapping {
    const key = keyOf(opType, domain);
    const candidates = this.#byName.get(key);
    const found = candidates?.find(({ since = 1, until = Infinity }) => since <= version && version <= until);
    if (found) return found;
    if (candidates) {
      throw new QcError({
        what: `operator '${key}' of operator set ${version} is not supported`,
        where,
        why: `it is supported in ${candidates.map(versionsOf).join(' and ')}`,
        help: 'convert the model to operator set 13 or later',
      });
    }
    const refused = refusalOf(opType, domain);
    if (refused) {
      throw new QcError({ what: `operator '${key}' is not supported`, where, why: refused.why, help: refused.help });
    }
    const near = didYouMean(key, this.#byName.keys());
    throw new QcError({
      what: `operator '${key}' is not supported`,
      where,
      why: `qc imports ${this.#byName.size} operators, and this is none of them`,
      help: `${near ? `did you mean '${near}'? ` : ''}see docs/ops.md for all of them, or replace it in the model`,
    });
  }
}

const keyOf = (op: string, domain: string) => (domain === '' ? op : `${domain}.${op}`);

function versionsOf({ since = 1, until }: OnnxMapping): string {
  return until === undefined ? `version ${since} and later` : `versions ${since} to ${until}`;
}
