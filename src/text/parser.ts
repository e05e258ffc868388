import { EOF, tokenMatcher } from 'chevrotain';
import type { Module, Registry } from '../ir/index.ts';
import type { ExternalFile } from '../support/externalFile.ts';
import { ModuleBuilder } from './builder.ts';
import { errorAt, type SourceText } from './errors.ts';
import { ModuleGrammar } from './grammar/module.ts';
import { lexer } from './lexer.ts';

export interface ParseOptions {
  /** The ops that the text may use. */
  readonly registry: Registry;
  /** The companion file (`FILE.qir.bin`), where the text has one: its bytes, or what reads ranges of it. */
  readonly bin?: Uint8Array | ExternalFile | undefined;
  /** Name of the file, for messages. */
  readonly file?: string | undefined;
}

let grammar: ModuleGrammar | undefined;

/**
 * Reads the text form of a module. The module is not verified.
 *
 * @throws QcError with line, column and the line's text, where the text is no module.
 */
export function parse(text: string, { registry, bin, file }: ParseOptions): Module {
  const source: SourceText = { text, file };
  const { tokens, errors } = lexer.tokenize(text);
  const [unknown] = errors;
  if (unknown)
    throw errorAt(
      source,
      unknown.offset,
      `'${text[unknown.offset]}' is not understood here`,
      helpFor(text, unknown.offset),
    );
  grammar ??= new ModuleGrammar();
  grammar.builder = new ModuleBuilder(source, registry, bin);
  grammar.input = tokens;
  grammar.module();
  const [error] = grammar.errors;
  if (error) {
    const offset = tokenMatcher(error.token, EOF) ? text.trimEnd().length : error.token.startOffset;
    throw errorAt(source, offset, error.message);
  }
  return grammar.builder.module;
}

function helpFor(text: string, offset: number): string | undefined {
  if (text[offset] === '"') return 'a quoted text ends on its line';
  if (text[offset] === '%' || text[offset] === '@') return 'write names that are no identifiers in quotes';
  const before = text.slice(Math.max(0, offset - 200), offset);
  if (/tensor<[^<>]*$/.test(before))
    return 'in tensor<…>: dimensions such as 4x, Nx or (N*2)x, an element type, then , or >';
  return undefined;
}
