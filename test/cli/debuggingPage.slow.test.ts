import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../source-files.ts';
import { workplace } from './workplace.ts';

// docs/debugging.md shows commands and what they print; here they are run.

const page = readFileSync(join(root, 'docs/debugging.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  lines: text.trimEnd().split('\n'),
}));

interface Shown {
  /** The command as it stands on the page. */
  readonly command: string;
  readonly args: readonly string[];
  /** What it prints; `…` stands for lines that are left out. */
  readonly prints: readonly string[];
}

/** `M=../shared/…` of the page, paths from the project's root. */
const variables = new Map(
  blocks.flatMap(({ lines }) =>
    lines.flatMap((line): [string, string][] => {
      const [, name, value] = /^([A-Z])="?(.*?)"?$/.exec(line) ?? [];
      return name !== undefined && value !== undefined ? [[name, value]] : [];
    }),
  ),
);

const wordsOf = (command: string): string[] =>
  command
    .replaceAll(/\$([A-Z])\b/g, (_, name: string) => variables.get(name) ?? '')
    .split(' ')
    .map((word) => (word.startsWith('../shared/') ? resolve(root, word) : word));

const shown = blocks.flatMap(({ lines }): Shown[] => {
  const starts = lines.flatMap((line, i) => (line.startsWith('$ qc ') ? [i] : []));
  return starts.map((start, i) => {
    const command = (lines[start] as string).slice('$ qc '.length);
    return { command, args: wordsOf(command), prints: lines.slice(start + 1, starts[i + 1] ?? lines.length) };
  });
});

const { qc, folder } = workplace({});
for (const { language, lines } of blocks) {
  if (language !== 'json') continue;
  const { name } = JSON.parse(lines.join('\n')) as { name: string };
  writeFileSync(join(folder, `${name}.json`), lines.join('\n'));
}

const number = /\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** A line's words, with # for every number. */
const wording = (line: string): string => line.trim().replaceAll(number, '#').replaceAll(/\s+/g, ' ');

/** A number as it is written may differ by one in its last digit, or by 2 %: floats are not the same on every processor. */
function isNear(written: string, found: string): boolean {
  const [mantissa = '', exponent = '0'] = written.split('e');
  const lastDigit = 10 ** (Number(exponent) - (mantissa.split('.')[1]?.length ?? 0));
  const off = Math.abs(Number(written) - Number(found));
  return off <= Math.max(1.001 * lastDigit, 0.02 * Math.abs(Number(written)));
}

const agrees = (written: string, found: string): boolean => {
  const [a, b] = [written.match(number) ?? [], found.match(number) ?? []];
  return wording(written) === wording(found) && a.every((one, i) => isNear(one, b[i] as string));
};

const data = resolve(root, variables.get('D') ?? '');

describe.skipIf(!existsSync(data))(
  `docs/debugging.md${existsSync(data) ? '' : ' (no shared data here)'}`,
  { timeout: 300_000 },
  () => {
    it('shows commands', () => expect(shown.length).toBeGreaterThan(5));

    it.each(shown)('qc $command', ({ args, prints }) => {
      const { code, out, err } = qc(...args);
      expect(code, err).toBe(0);
      const found = out.split('\n');
      for (const line of prints.filter((one) => one !== '' && one !== '…')) {
        const best = found.find((one) => agrees(line, one)) ?? found.find((one) => wording(one) === wording(line));
        expect(best !== undefined && agrees(line, best) ? line : (best ?? out)).toBe(line);
      }
    });
  },
);
