import { readFileSync, writeFileSync } from 'node:fs';

/** A page that holds a table between two marks. */
export interface MarkedTable {
  readonly before: string;
  readonly lines: readonly string[];
  readonly after: string;
}

const marks = (writer: string) => [`<!-- Written by ${writer}. -->`, '<!-- The end of what it writes. -->'] as const;

/** The table that `writer` writes into a page, line by line. @throws Error where a mark is missing */
export function markedTable(text: string, writer: string): MarkedTable {
  const [begin, end] = marks(writer);
  const from = text.indexOf(`${begin}\n`);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the page has no marks of ${writer}`);
  const table = text.slice(from + begin.length + 1, to);
  return { before: text.slice(0, from), lines: table.trim().split('\n'), after: text.slice(to + end.length) };
}

/** Puts a table between the marks of a page; `change` gives it, of the lines that are there. */
export function writeMarkedTable(page: string, writer: string, change: (lines: readonly string[]) => string): void {
  const [begin, end] = marks(writer);
  const { before, lines, after } = markedTable(readFileSync(page, 'utf8'), writer);
  writeFileSync(page, `${before}${begin}\n${change(lines)}\n${end}${after}`);
}

/** The text of a row's first cell. */
const firstCell = (line: string): string => (line.split('|')[1] ?? '').trim();

/**
 * A table in Markdown in which rows that were measured replace those that are there, by their first cells. Rows come in
 * the order of `names`, which are such cells; others are left out.
 */
export function mergedTable(lines: readonly string[], measured: string, names: readonly string[]): string {
  const [head = '', rule = '', ...rows] = measured.split('\n');
  const known = new Map([...lines.slice(2), ...rows].map((line) => [firstCell(line), line]));
  return [head, rule, ...names.flatMap((name) => known.get(name) ?? [])].join('\n');
}
