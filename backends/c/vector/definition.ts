import { guarded, holds, type Machine } from '../guard.ts';
import type { Helper } from '../helpers.ts';

/** A body of a helper for compilers and machines of which a macro holds. */
export interface Form {
  readonly when: string;
  readonly body: readonly string[];
}

/** What GCC and Clang understand for any vector. */
export const gnu = (value: string): Form => ({ when: 'QC_VECTORS', body: [`return ${value};`] });

/** Where vectors of so many bytes exist; they are only asked for at the levels that have registers for them. */
const guards: Readonly<Record<number, string>> = { 32: 'QC_AVX2', 64: 'QC_AVX512' };

/**
 * A function that does one operation on a vector: by the first form that holds, else lane by lane. `widest`: bytes of
 * its largest vector.
 */
export function vectorHelper(
  name: string,
  signature: { readonly result: string; readonly parameters: string; readonly widest: number },
  forms: readonly Form[],
  plain: readonly string[],
  machine?: Machine,
): Helper {
  const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
  const known = machine && forms.find(({ when }) => holds(when, machine));
  const body =
    forms.length === 0 || machine
      ? indented(known?.body ?? plain)
      : [
          ...forms.flatMap(({ when, body }, i) => [`#${i === 0 ? 'if' : 'elif'} ${when}`, ...indented(body)]),
          '#else',
          ...indented(plain),
          '#endif',
        ];
  const definition = [`QC_INLINE ${signature.result} ${name}(${signature.parameters})`, '{', ...body, '}'];
  const guard = guards[signature.widest];
  const text = (guard ? guarded(machine, guard, definition) : definition).join('\n');
  return { name, text, needs: [] };
}

/** Sets every lane of a result, one after the other. */
export const laneByLane = (type: string, lanes: number, value: string, from = ''): string[] => [
  `${type} r;`,
  `for (int i = 0; i < ${lanes}; i++) {`,
  `  QC_LANE(r, ${from}i) = ${value};`,
  '}',
  'return r;',
];

/** 0, 1, 2, … as arguments of a shuffle. */
export const numbers = (count: number, of: (i: number) => number): string =>
  Array.from({ length: count }, (_, i) => of(i)).join(', ');
