import type { Command } from './command.ts';
import { debugLevels } from './debugLevel.ts';
import { generalOptions } from './globalOptions.ts';
import type { OptionSpec, OptionTable } from './options.ts';

/** What `qc --help` prints. */
export function overviewText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'qc compiles a trained ONNX model into a small program that needs no framework.',
    '',
    'usage: qc COMMAND …',
    '',
    ...commands.map(({ name, summary }) => `  qc ${name.padEnd(width)}  ${summary}`),
    '',
    'qc COMMAND --help says more. qc --version prints the version.',
    'Exit codes: 0 done, 1 the input is bad, 2 the command line is wrong, 3 a bug in qc.',
    '',
    'QC_DEBUG=N in the environment prints what happens inside:',
    ...debugLevels.flatMap((what, i) =>
      wrap(`${i === 0 ? '' : 'also '}${what}`, 94).map((line, j) => `  ${j === 0 ? i + 1 : ' '}  ${line}`),
    ),
    '',
  ].join('\n');
}

/** What `qc COMMAND --help` prints. */
export function commandText(command: Command): string {
  return [
    `qc ${command.name}: ${command.summary}`,
    '',
    `usage: qc ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...command.details.flatMap((paragraph) => [...wrap(paragraph, 100), '']),
    'options:',
    ...optionLines({ ...command.options, ...generalOptions }),
    '',
    'examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** An option as it is written: `-o DIR`, `--print-ir-after[=PASS]`. */
export function optionUsage(name: string, spec: OptionSpec): string {
  const long = `--${name}`;
  const head = spec.short ? `-${spec.short}, ${long}` : long;
  if (spec.kind === 'flag') return head;
  if (spec.kind === 'maybe') return `${head}[${spec.value ?? '=VALUE'}]`;
  return `${head} ${spec.value ?? (spec.choices ?? ['VALUE']).join(spec.kind === 'words' ? ',' : '|')}`;
}

function optionLines(table: OptionTable): string[] {
  const rows = Object.entries(table).map(([name, spec]) => ({ usage: optionUsage(name, spec), help: spec.help }));
  const width = Math.min(34, Math.max(...rows.map(({ usage }) => usage.length)));
  return rows.flatMap(({ usage, help }) => {
    const [first = '', ...more] = wrap(help, 100 - width - 4);
    const indent = ' '.repeat(width + 4);
    const rest = more.map((line) => `${indent}${line}`);
    return usage.length > width
      ? [`  ${usage}`, `${indent}${first}`, ...rest]
      : [`  ${usage.padEnd(width)}  ${first}`, ...rest];
  });
}

/** Lines of at most `width` characters, cut between words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The page docs/cli.md. */
export function commandPage(commands: readonly Command[], planned: ReadonlyMap<string, string>): string {
  return [
    '# The command line',
    '',
    '<!-- Written by `npm run docs` from src/cli/commands: edit there. -->',
    '',
    'MODEL is a `.onnx` or `.qir` file. ARTIFACT is a folder that `qc compile` wrote, or the `manifest.json` in it.',
    'Exit codes: 0 done; 1 the input is bad: a message says what, where, why and what to do; 2 the command line is',
    'wrong; 3 a bug in qc, with a file that reproduces it.',
    '',
    ...commands.flatMap(commandSection),
    '## Options of every command',
    ...optionTable(generalOptions),
    '',
    '## What happens inside',
    'The environment variable `QC_DEBUG` prints it to standard error:',
    '',
    '| QC_DEBUG | prints |',
    '|---|---|',
    ...debugLevels.map((what, i) => `| ${i + 1} | ${i === 0 ? '' : 'also '}${what} |`),
    '',
    '## Not there yet',
    ...[...planned].map(([name, what]) => `- \`qc ${name}\`: ${what}`),
    '',
  ].join('\n');
}

function commandSection(command: Command): string[] {
  return [
    `## qc ${command.name}`,
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    '',
    '```',
    `qc ${command.name} ${command.usage}`.trimEnd(),
    '```',
    '',
    ...command.details.flatMap((paragraph) => [paragraph, '']),
    ...optionTable(command.options),
    '',
    'Examples:',
    '```',
    ...command.examples,
    '```',
    '',
  ];
}

function optionTable(table: OptionTable): string[] {
  if (Object.keys(table).length === 0) return [];
  const rows = Object.entries(table).map(
    ([name, spec]) => `| \`${optionUsage(name, spec).replaceAll('|', '\\|')}\` | ${spec.help} |`,
  );
  return ['| option | meaning |', '|---|---|', ...rows];
}
