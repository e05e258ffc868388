import { basename, extname } from 'node:path';
import { type Difference, diffDocuments } from '../api/diffDocuments.ts';
import { countChanges, diffViews, type GraphNode, type GraphView, viewOf } from '../graph/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { isArtifact, loadArtifact } from './artifactFile.ts';
import { readFile } from './files.ts';
import { isView, writeGraphs } from './graphFolder.ts';
import type { importOptions } from './importOptions.ts';
import { loadModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import { checkOutputFolder } from './outputFolder.ts';
import { tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What can be compared: a graph, or a document of an artifact or a report. */
type Side = { readonly view: GraphView } | { readonly document: unknown };

export interface DiffArguments extends OptionValues<typeof importOptions> {
  readonly 'dump-graph': string | undefined;
}

/** Compares two graphs, two artifacts or two reports, and prints what differs; graphs are drawn where that is asked for. */
export async function diffFiles(
  first: string,
  second: string,
  { allow, 'dump-graph': folder }: DiffArguments,
  terminal: Terminal,
): Promise<void> {
  if (folder !== undefined) checkOutputFolder(folder);
  const [a, b] = [load(first, allow), load(second, allow)];
  if ('view' in a && 'view' in b) {
    if (folder !== undefined) await writeGraphs(folder, 'Two graphs', [a.view, b.view]);
    printChanges(diffViews(a.view, b.view), terminal);
  } else if ('document' in a && 'document' in b && folder === undefined) {
    printDifferences(diffDocuments(a.document, b.document), terminal);
  } else {
    const none = 'document' in a && 'document' in b;
    throw new QcError({
      what: none ? 'there is no graph to draw' : 'a model cannot be compared with an artifact or a report',
      where: `${first}, ${second}`,
      why: none ? 'artifacts and reports say what became of one' : 'one is a graph, the other says what became of one',
      help: none
        ? 'give two models, or leave --dump-graph out'
        : 'give two models, two artifacts, or two documents that --json has printed',
    });
  }
}

function load(path: string, allow: readonly string[]): Side {
  if (isArtifact(path)) return { document: loadArtifact(path).manifest };
  if (extname(path) !== '.json') return { view: viewOf(loadModel(path, allow), basename(path)) };
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(readFile(path)));
    return isView(document) ? { view: document } : { document };
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

function printChanges(changes: GraphView, terminal: Terminal): void {
  const { nodes } = changes;
  const counts = countChanges(changes);
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
