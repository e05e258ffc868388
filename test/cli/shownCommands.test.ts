import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { parseOptions } from '../../src/cli/options.ts';
import { root } from '../source-files.ts';

const pages = globSync(['*.md', 'docs/*.md', 'examples/*/README.md', 'editors/*/README.md'], { cwd: root }).filter(
  (page) => page !== 'CHANGELOG.md',
);
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

interface Shown {
  readonly page: string;
  readonly command: string;
}

/** Lines of code that begin with `qc` or `$ qc`, with what `\` continues, and `qc NAME …` within a text. */
function shownOn(page: string): Shown[] {
  const text = textOf(page);
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, code = '']) =>
    code.replaceAll(/\\\n\s*/g, ''),
  );
  const lines = blocks.flatMap((code) => [...code.matchAll(/^(?:\$ )?qc (.*)$/gm)].map(([, command = '']) => command));
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const words = [...prose.matchAll(/`qc (\w[^`]*)`/g)].map(([, command = '']) => command.replaceAll('\\|', '|'));
  const known = words.filter((command) => commands.some(({ name }) => command.split(' ')[0] === name));
  return [...lines, ...known].map((command) => ({ page, command }));
}

/** A command line as a shell takes it apart; what is left out of it (…) and comments are no words, of alternatives the first counts. */
function wordsOf(command: string): string[] {
  const words = command.replace(/\s#.*$/, '').match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  return words.filter((word) => word !== '…').map((word) => word.split('|', 1).join().replaceAll(/['"]/g, ''));
}

describe('the commands that pages show', () => {
  const shown = pages.flatMap(shownOn);

  it('are many', () => expect(shown.length).toBeGreaterThan(60));

  it.each(shown)('$page: qc $command', ({ command }) => {
    const [name = '', ...args] = wordsOf(command);
    const found = commands.find((one) => one.name === name);
    expect(found, `there is no qc ${name}`).toBeDefined();
    const known = args.filter((word) => !['--json', '--quiet', '--help'].includes(word));
    expect(() => parseOptions(known, { ...found?.options }, name)).not.toThrow();
  });
});

describe('the files that pages name', () => {
  it.each(pages)('are there: %s', (page) => {
    const text = textOf(page);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) => join(dirname(page), path));
    const named = [
      ...text.matchAll(/`((?:src|dialects|passes|kernels|backends|runtime|scripts|test|bench|examples)\/[\w./-]+)`/g),
    ];
    const missing = [...links, ...named.map(([, path = '']) => path)].filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});
