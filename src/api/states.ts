import type { Module, TensorType } from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';

/** For outputs by name, the input that each becomes in the next run. */
export type States = Readonly<Record<string, string>>;

/** Reads `OUT=IN`; either name may hold equals signs where the model's does. @throws QcError */
export function parseStates(module: Module, texts: readonly string[]): States {
  const names = outputNames(module);
  return Object.fromEntries(
    texts.map((text): [string, string] => {
      const known = names.find((name) => text.startsWith(`${name}=`));
      const at = known === undefined ? text.indexOf('=') : known.length;
      if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
      throw new QcError({
        what: `'${text}' is no state`,
        where: `--state ${text}`,
        help: 'write OUT=IN: an output of the model and the input that it becomes in the next run',
      });
    }),
  );
}

/**
 * Makes outputs of a model its inputs of the next run: a program keeps them, and callers don't see them. Their sizes
 * must be known.
 *
 * @throws QcError for unknown names, an input with two outputs, or types that differ
 */
export function declareStates(module: Module, states: States): void {
  const { main } = module;
  const inputNames = main.body.args.map(({ name }, i) => name ?? `input${i}`);
  for (const [output, input] of Object.entries(states)) {
    const where = `state ${output}=${input}`;
    const result = main.resultTypes[indexOf(output, outputNames(module), 'output', where)];
    const argument = main.body.args[indexOf(input, inputNames, 'input', where)];
    const taken = module.states.find((state) => state.input === input);
    if (taken) {
      throw new QcError({
        what: `the input '${input}' has two states`,
        where,
        why: `the output '${taken.output}' becomes it already`,
        help: 'name one output for each input',
      });
    }
    const [from, to] = [result as TensorType, argument?.type as TensorType];
    if (from !== to) {
      throw new QcError({
        what: `the output '${output}' cannot become the input '${input}'`,
        where,
        why: `the output is ${from.key}, the input ${to.key}`,
        help: 'a state has one type and shape: name outputs and inputs that belong together',
      });
    }
    module.states.push({ output, input });
  }
}

function outputNames({ main }: Module): string[] {
  return main.resultTypes.map((_, i) => main.resultNames[i] ?? `output${i}`);
}

function indexOf(name: string, names: readonly string[], role: 'input' | 'output', where: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const near = didYouMean(name, names);
  throw new QcError({
    what: `the model has no ${role} '${name}'`,
    where,
    why: `its ${role}s are ${names.join(', ')}`,
    help: near === undefined ? 'write OUT=IN, the output first' : `did you mean '${near}'?`,
  });
}
