import { extname } from 'node:path';
import { type Difference, diffDocuments } from '../api/diffDocuments.ts';
import { countChanges, diffViews, type GraphNode, viewOf } from '../graph/index.ts';
import type { Module } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { isArtifact, loadArtifact } from './artifactFile.ts';
import { readFile } from './files.ts';
import type { importOptions } from './importOptions.ts';
import { loadModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What can be compared: a model's graph, or a document of an artifact or a report. */
type Side = { readonly module: Module } | { readonly document: unknown };

/** Compares two models, two artifacts or two reports, and prints what differs. */
export function diffFiles(
  first: string,
  second: string,
  { allow }: OptionValues<typeof importOptions>,
  terminal: Terminal,
): void {
  const [a, b] = [load(first, allow), load(second, allow)];
  if ('module' in a && 'module' in b) diffModels(a.module, b.module, [first, second], terminal);
  else if ('document' in a && 'document' in b) printDifferences(diffDocuments(a.document, b.document), terminal);
  else {
    throw new QcError({
      what: 'a model cannot be compared with an artifact or a report',
      where: `${first}, ${second}`,
      why: 'one is a graph, the other says what became of one',
      help: 'give two models, two artifacts, or two documents that --json has printed',
    });
  }
}

function load(path: string, allow: readonly string[]): Side {
  if (isArtifact(path)) return { document: loadArtifact(path).manifest };
  if (extname(path) !== '.json') return { module: loadModel(path, allow) };
  try {
    return { document: JSON.parse(new TextDecoder().decode(readFile(path))) };
  } catch (error) {
    if (error instanceof QcError) throw error;
    throw new QcError({
      what: 'the file is no JSON',
      where: path,
      why: (error as Error).message,
      help: 'give what a command printed with --json',
    });
  }
}

function diffModels(
  before: Module,
  after: Module,
  [first, second]: readonly [string, string],
  terminal: Terminal,
): void {
  const { nodes } = diffViews(viewOf(before, first), viewOf(after, second));
  const counts = countChanges({ name: '', nodes, edges: [] });
  const changed = nodes.filter(({ change }) => change !== 'same');
  if (terminal.json) {
    terminal.printJson({
      ...counts,
      nodes: changed.map(({ change, label, source, details }) => ({ change, op: label, node: source, details })),
    });
    return;
  }
  for (const node of changed) terminal.print(nodeLine(node));
  terminal.print(
    `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed, ${counts.same} the same`,
  );
}

const signs = { added: '+', removed: '-', changed: '~', same: ' ' } as const;

function nodeLine({ change = 'same', label, source, details }: GraphNode): string {
  const named = source === '' || source === label ? '' : ` ${source}`;
  return `${signs[change]} ${label}${named}  ${details.join(', ')}`.trimEnd();
}

function printDifferences(differences: readonly Difference[], terminal: Terminal): void {
  if (terminal.json) {
    terminal.printJson(differences);
    return;
  }
  if (differences.length === 0) {
    terminal.print('nothing differs');
    return;
  }
  const rows = differences.map(({ path, before, after }) => [
    path,
    textOf(before),
    textOf(after),
    ratioText(before, after),
  ]);
  terminal.print(tableText([['', 'first', 'second', 'ratio'], ...rows]));
}

function textOf(value: unknown): string {
  if (value === undefined) return '–';
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(6))}`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}

function ratioText(before: unknown, after: unknown): string {
  if (typeof before !== 'number' || typeof after !== 'number' || before === 0) return '';
  return `${Number((after / before).toPrecision(4))}×`;
}
