import { cacheCodes } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { StateOptions } from './states.ts';

/** `OUT=IN` or `OUT=IN:append axis=A max=N`, and `as=CODES` behind it, as an output and what becomes of it. @throws QcError */
export function parseState(text: string, outputs: readonly string[]): [string, StateOptions] {
  const known = outputs.find((name) => text.startsWith(`${name}=`));
  const at = known === undefined ? text.indexOf('=') : known.length;
  const [, input, how] = /^(.+?)(?::append(.*))?$/.exec(text.slice(at + 1)) ?? [];
  if (at <= 0 || input === undefined) {
    throw new QcError({
      what: `'${text}' is no state`,
      where: `--state ${text}`,
      help: 'write OUT=IN: an output of the model and the input that it becomes in the next run',
    });
  }
  const output = text.slice(0, at);
  if (how === undefined) return [output, input];
  const numbers = new Map<string, number>();
  const words = how.trim().split(/\s+/);
  const as = cacheCodes.find((codes) => words.includes(`as=${codes}`));
  for (const word of words) {
    const [, name, value] = /^(axis|max)=(-?\d+)$/.exec(word) ?? [];
    if (name !== undefined) numbers.set(name, Number(value));
  }
  const [axis, max] = [numbers.get('axis'), numbers.get('max')];
  if (words.length === (as ? 3 : 2) && axis !== undefined && max !== undefined) {
    return [output, { input, append: { axis, max, ...(as ? { as } : {}) } }];
  }
  throw new QcError({
    what: `'${text}' does not say how the state grows`,
    where: `--state ${text}`,
    help: `write 'OUT=IN:append axis=A max=N': the axis, and the most that the state holds along it; as=${cacheCodes.join(' or as=')} behind it stores fewer bits`,
  });
}
