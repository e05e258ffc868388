/** Prints a header for main.c: the text of every token of a tokenizer.json, and the tokens of a prompt. */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';

/** A string of C with these bytes. */
function literal(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 && !'"\\?'.includes(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, '0')}`,
  );
  return `"${text.join('')}"`;
}

/** The header's text. */
export function piecesHeader(tokenizerJson: string, prompt: string): string {
  const content = JSON.parse(tokenizerJson) as { model: { vocab: Record<string, number> } };
  const tokenizer = new Tokenizer(content, {});
  const count = 1 + Math.max(...Object.values(content.model.vocab));
  const anchor = tokenizer.encode('a').ids.at(-1) as number;
  const decode = (tokens: number[]) => tokenizer.decode(tokens, { skip_special_tokens: true });
  const pieces = Array.from({ length: count }, (_, token) => {
    const [, byte] = /^<0x(..)>$/.exec(tokenizer.id_to_token(token) ?? '') ?? [];
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    // behind another token: what begins a text may be decoded otherwise
    return new TextEncoder().encode(decode([anchor, token]).slice(decode([anchor]).length));
  });
  const { ids } = tokenizer.encode(prompt);
  return `${[
    '#include <stdint.h>',
    `static const char *const pieces[${count}] = {`,
    ...pieces.map((piece) => `  ${literal(piece)},`),
    '};',
    `static const int32_t prompt[${ids.length}] = {${ids.join(', ')}};`,
  ].join('\n')}\n`;
}

if (import.meta.main) {
  const [path = 'tokenizer.json', prompt = ''] = process.argv.slice(2);
  process.stdout.write(piecesHeader(readFileSync(path, 'utf8'), prompt));
}
