/** Text from tokens that come one by one. */

/** The part of a tokenizer that turns tokens into text; `Tokenizer` of @huggingface/tokenizers is one. */
export interface TokenDecoder {
  decode(tokens: number[], options?: { readonly skip_special_tokens?: boolean }): string;
}

/** Where text ends, and whether it has ended. */
export interface TextStream {
  /** What a token adds to the text; empty while a character is incomplete, or may be the beginning of a stop. */
  push(token: number): string;
  /** What was held back, when nothing follows. */
  end(): string;
  /** Whether a stop has come: nothing is to follow. */
  readonly stopped: boolean;
}

/** A character of which bytes are missing. */
const incomplete = '\uFFFD';
/** Tokens that are decoded again with each new one, so that it has the surroundings that decoders look at. */
const surroundings = 8;

/**
 * Text of tokens behind `before` (the prompt), up to the first of the texts in `stops`, which is left out. The text does
 * not depend on the pieces in which it comes.
 */
export function textStream(
  decoder: TokenDecoder,
  before: readonly number[],
  stops: readonly string[] = [],
): TextStream {
  let known = before.slice(-surroundings);
  const decoded = () => decoder.decode([...known], { skip_special_tokens: true });
  let shown = decoded();
  let held = '';
  let stopped = false;
  const release = (text: string, isEnd: boolean): string => {
    held += text;
    const at = Math.min(...stops.map((stop) => held.indexOf(stop)).filter((place) => place >= 0));
    if (Number.isFinite(at)) {
      stopped = true;
      const last = held.slice(0, at);
      held = '';
      return last;
    }
    const keep = isEnd ? 0 : Math.max(0, ...stops.map((stop) => beginning(held, stop)));
    const free = held.slice(0, held.length - keep);
    held = held.slice(held.length - keep);
    return free;
  };
  return {
    push(token) {
      if (stopped) return '';
      known = [...known, token];
      const text = decoded();
      if (text.endsWith(incomplete)) return '';
      const added = text.slice(shown.length);
      known = known.slice(-surroundings);
      shown = decoded();
      return release(added, false);
    },
    end() {
      if (stopped) return '';
      return release(decoded().slice(shown.length), true);
    },
    get stopped() {
      return stopped;
    },
  };
}

/** How many characters at the end of `text` are the beginning of `stop`. */
function beginning(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
