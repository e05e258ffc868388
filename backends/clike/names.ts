/** Gives out identifiers of one scope, each once. */
export class Names {
  readonly #taken: Set<string>;

  constructor(reserved: Iterable<string> = []) {
    this.#taken = new Set(reserved);
  }

  /** `wanted` made an identifier; with a number behind it when it is taken. */
  unique(wanted: string): string {
    const base = identifier(wanted);
    return this.#taken.has(base) ? this.numbered(base) : this.#take(base);
  }

  /** `base` with the lowest number that is free: `t0`, `t1`, …. */
  numbered(base: string): string {
    const stem = /\d$/.test(base) ? `${base}_` : base;
    let n = this.#next.get(stem) ?? 0;
    while (this.#taken.has(`${stem}${n}`)) n++;
    this.#next.set(stem, n + 1);
    return this.#take(`${stem}${n}`);
  }

  readonly #next = new Map<string, number>();

  #take(name: string): string {
    this.#taken.add(name);
    return name;
  }
}

const LONGEST = 48;

/** A name of the model as an identifier of letters, digits and single underscores; `x` when nothing is left. */
export function identifier(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, LONGEST)
    .replace(/_+$/, '');
  if (plain === '') return 'x';
  return /^\d/.test(plain) ? `x${plain}` : plain;
}

/** A name of the model as text inside a comment: it can't end or open one, break the line or reorder the text. */
export function commentText(name: string): string {
  return name
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, ' ')
    .replaceAll('*/', '* /')
    .replaceAll('/*', '/ *')
    .replaceAll('//', '/ /')
    .replace(/\?(?=\?)/g, '? ')
    .replaceAll('\\', '/');
}

/** A name of the model as a string literal of C, byte for byte in UTF-8; it can end neither the literal nor a comment. */
export function stringText(name: string): string {
  const bytes = [...new TextEncoder().encode(name)].map((byte) =>
    byte >= 0x20 && byte < 0x7f && !'"?*\\'.includes(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, '0')}`,
  );
  return `"${bytes.join('')}"`;
}
