import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { registry } from '../dialects/index.ts';
import { allPasses } from '../passes/index.ts';
import { commands, planned } from '../src/cli/commands/index.ts';
import { commandPage } from '../src/cli/help.ts';
import { preservesText } from '../src/cli/optimize.ts';
import type { Attribute, AttributeSpec, AttributeSpecs, OpDefinition } from '../src/ir/index.ts';
import type { Pass } from '../src/pass/index.ts';
import { operatorsPage } from './operatorsPage.ts';

/** The generated pages of docs/ by path: all of them derive from what the program declares. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/ops.md', opsPage([...registry.ops.values()])],
    ['docs/operators.md', operatorsPage(written)],
    ['docs/passes.md', passesPage(allPasses)],
    ['docs/cli.md', commandPage(commands, planned)],
  ]);
}

const written = '<!-- Written by `npm run docs`: edit the declarations that it reads. -->';

function opsPage(ops: readonly OpDefinition[]): string {
  const dialects = [...new Set(ops.map(({ name }) => name.split('.')[0] ?? ''))];
  const meanings: Readonly<Record<string, string>> = {
    nn: "The model's mathematics on tensors.",
    quant: 'How real numbers are stored: the borders between float and codes.',
    int: 'Integer-only arithmetic; [the numeric contract](numeric-contract.md) defines the results.',
    kernel: 'Loops, vectors and memory: what kernels are made of.',
  };
  return [
    '# Operations',
    '',
    written,
    '',
    'An operand with `?` may be absent, one with `*` stands for any number. An attribute without default must be given unless it is optional (`?`).',
    '',
    ...dialects.flatMap((dialect) => [
      `## ${dialect}`,
      meanings[dialect] ?? '',
      '',
      ...ops
        .filter(({ name }) => name.startsWith(`${dialect}.`))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap(opSection),
    ]),
  ].join('\n');
}

function opSection(op: OpDefinition): string[] {
  const marks = { required: '', optional: '?', variadic: '*' };
  const operands = Object.entries(op.operands).map(([name, arity]) => `${name}${marks[arity]}`);
  const results = op.results === 'variadic' ? ['results*'] : op.results;
  const onnx = op.onnx.map(({ op: name, since, until }) => `${name}${versions(since, until)}`);
  return [
    `### ${op.name}`,
    `\`(${operands.join(', ')}) → (${results.join(', ')})\``,
    '',
    op.summary,
    ...optionLines(op.attributes),
    ...(onnx.length > 0 ? ['', `ONNX: ${onnx.join(', ')}.`] : []),
    '',
  ];
}

function versions(since: number | undefined, until: number | undefined): string {
  if (since === undefined && until === undefined) return '';
  return ` (operator sets ${since ?? 1}${until === undefined ? ' and later' : ` to ${until}`})`;
}

function passesPage(passes: readonly Pass[]): string {
  const phases = [...new Set(passes.map(({ phase }) => phase))];
  return [
    '# Passes',
    '',
    written,
    '',
    "Passes run in a pipeline, `qc opt MODEL --pipeline 'NAME,NAME{option=value}'`. Each states what it preserves, and `--verify-semantics` checks it.",
    '',
    ...phases.flatMap((phase) => [
      `## ${phase}`,
      '',
      ...passes.filter((pass) => pass.phase === phase).flatMap(passSection),
    ]),
  ].join('\n');
}

function passSection({ name, summary, options, preserves }: Pass): string[] {
  return [`### ${name}`, summary, '', `Preserves ${preservesText(preserves)}.`, ...optionLines(options), ''];
}

function optionLines(specs: AttributeSpecs): string[] {
  const lines = Object.entries(specs).map(([name, spec]) => `- \`${name}\`: ${kindOf(spec)}`);
  return lines.length > 0 ? ['', ...lines] : [];
}

function kindOf({ kind, optional, default: fallback }: AttributeSpec<Attribute>): string {
  if (optional) return `${kind}?`;
  return fallback === undefined ? kind : `${kind}, default ${valueText(fallback)}`;
}

function valueText(value: Attribute): string {
  if (typeof value === 'number') return String(value).replace('Infinity', 'inf');
  if (Array.isArray(value)) return `[${value.map((one) => valueText(one as Attribute)).join(', ')}]`;
  return JSON.stringify(value);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(fileURLToPath(import.meta.url), '..', '..');
  for (const [path, text] of generatedPages()) writeFileSync(join(root, path), text);
}
