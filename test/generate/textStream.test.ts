import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textStream } from '../../runtime/textStream.ts';

/** A token a byte of UTF-8; 256 is special. */
const bytes = {
  decode: (tokens: number[]) => new TextDecoder().decode(Uint8Array.from(tokens.filter((token) => token < 256))),
};

function streamed(text: string, stops: readonly string[] = []): { text: string; parts: string[]; stopped: boolean } {
  const stream = textStream(bytes, [256], stops);
  const parts: string[] = [];
  for (const byte of new TextEncoder().encode(text)) parts.push(stream.push(byte));
  parts.push(stream.end());
  return { text: parts.join(''), parts, stopped: stream.stopped };
}

describe('text from tokens', () => {
  it('is the text of all tokens, and never half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        const { text: whole, parts } = streamed(text);
        expect(whole).toBe(text);
        for (const part of parts) if (!text.includes('\uFFFD')) expect(part).not.toContain('\uFFFD');
      }),
    );
  });

  it('gives what is incomplete at the end as such', () => {
    const stream = textStream(bytes, [256]);
    expect([stream.push(0xe2), stream.push(0x82), stream.end()]).toEqual(['', '', '\uFFFD']);
  });

  it('ends before the first stop, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 20 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 3 }), { maxLength: 2 }),
        (text, stops) => {
          const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
          const found = streamed(text, stops);
          expect(found.stopped).toBe(places.length > 0);
          if (places.length === 0) expect(found.text).toBe(text);
          else
            expect(text.startsWith(found.text) && stops.some((stop) => text.startsWith(found.text + stop))).toBe(true);
          for (const stop of stops) expect(found.text).not.toContain(stop);
        },
      ),
    );
  });

  it('shows at once what cannot begin a stop', () => {
    const stream = textStream(bytes, [256], ['xyz']);
    expect([...'axxyab'].map((letter) => stream.push(letter.charCodeAt(0)))).toEqual(['a', '', 'x', '', 'xya', 'b']);
  });
});
