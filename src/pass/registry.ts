import type { Attribute, AttributeSpec } from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { Pass } from './define.ts';
import { type OptionValues, type Pipeline, printPipeline } from './pipeline.ts';

/** A step of a pipeline whose pass is known and whose options fit it. */
export interface BoundStep {
  readonly pass: Pass;
  readonly options: OptionValues;
}

/** The passes that a program knows by name. */
export class PassRegistry {
  readonly passes: ReadonlyMap<string, Pass>;

  constructor(passes: Iterable<Pass>) {
    this.passes = new Map([...passes].map((pass) => [pass.name, pass]));
  }

  /** The pass called `name`. Throws a QcError with a suggestion when there is none. */
  get(name: string): Pass {
    const pass = this.passes.get(name);
    if (pass) return pass;
    const near = didYouMean(name, this.passes.keys());
    throw new QcError({
      what: `there is no pass '${name}'`,
      help: near ? `did you mean '${near}'?` : 'qc opt --list-passes names them all',
    });
  }

  /** Finds every pass of a pipeline and checks its options. Throws a QcError that names the step and the option. */
  bind(pipeline: Pipeline): BoundStep[] {
    return pipeline.map((step) => {
      const pass = this.get(step.pass);
      const where = `pipeline step ${printPipeline([step])}`;
      for (const [name, value] of Object.entries(step.options)) checkOption(pass, name, value, where);
      for (const [name, spec] of Object.entries(pass.options)) {
        if (spec.optional || spec.default !== undefined || step.options[name] !== undefined) continue;
        throw new QcError({
          what: `pass '${pass.name}' needs the option '${name}'`,
          where,
          why: `it must be ${spec.kind}`,
        });
      }
      return { pass, options: step.options };
    });
  }
}

function checkOption(pass: Pass, name: string, value: Attribute, where: string): void {
  const spec: AttributeSpec<Attribute> | undefined = Object.hasOwn(pass.options, name) ? pass.options[name] : undefined;
  if (!spec) {
    const known = Object.keys(pass.options);
    const near = didYouMean(name, known);
    const list = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none';
    throw new QcError({
      what: `pass '${pass.name}' has no option '${name}'`,
      where,
      help: near ? `did you mean '${near}'?` : list,
    });
  }
  if (spec.accepts(value)) return;
  throw new QcError({ what: `option '${name}' of pass '${pass.name}' must be ${spec.kind}`, where });
}
