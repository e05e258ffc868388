import { QcError } from '../support/diagnostics.ts';

/** A text with the name of its file, so that errors can say where they are. */
export interface SourceText {
  readonly text: string;
  readonly file?: string | undefined;
}

/** Longest piece of a line that a message shows. */
const shown = 100;

/** The error `what` at `offset` of a text: names line, column and the line itself. */
export function errorAt({ text, file }: SourceText, offset: number, what: string, help?: string): QcError {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const line = text.slice(0, start).split('\n').length;
  const column = offset - start + 1;
  const content = text.slice(start, end < 0 ? text.length : end);
  const from = column > shown ? column - shown / 2 : 0;
  const piece = content.slice(from, from + shown).trim();
  const place = `line ${line}, column ${column}`;
  return new QcError({ what, where: `${file ? `${file}, ` : ''}${place}: ${piece}`, help });
}
