/** The words of a name that may stand without quotes after `%` or `@`. */
export const plainName = /^[A-Za-z_][\w$]*(?:[./-][\w$]+)*$/;

/** The words that may stand without quotes as a key, a fact or a dimension's symbol. */
export const plainWord = /^[A-Za-z_][\w$]*$/;

/** `name` as it is written after `%` or `@`: quoted where it is no plain name. */
export function nameText(name: string): string {
  return plainName.test(name) && name !== '_' ? name : JSON.stringify(name);
}

/** `word` as a key: quoted where it is no plain word. */
export function wordText(word: string): string {
  return plainWord.test(word) && word !== '_' ? word : JSON.stringify(word);
}

/** Gives out names, each once: a name that is taken gets the suffix `_1`, `_2`, … */
export class UniqueNames {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    if (this.#taken.has(name)) {
      let suffix = this.#next.get(wanted) ?? 1;
      while (this.#taken.has(`${wanted}_${suffix}`)) suffix++;
      this.#next.set(wanted, suffix + 1);
      name = `${wanted}_${suffix}`;
    }
    this.#taken.add(name);
    return name;
  }
}

/** A name without the quotes that it may be written in. Throws a SyntaxError on a bad escape. */
export function unquote(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
