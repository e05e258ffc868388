import * as memory from '../../dialects/kernel/memory.ts';
import type { Op, ScalarType, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type Expression, isAtom, primary } from './expression.ts';
import type { Language } from './language.ts';
import type { Names } from './names.ts';
import type { VectorLanguage } from './vectorLanguage.ts';

/** A longer expression gets a name. */
const LONGEST = 110;

export const elementOf = (value: Value): ScalarType => (value.type as { element: ScalarType }).element;

/** A statement; one that only declares a constant can be left out when nothing reads it. */
interface Line {
  readonly text: string;
  readonly declares: string | undefined;
}

/**
 * The values of a body that is being printed, and its statements so far. A value that is used once, in the same block,
 * waits for its only use, into which it is nested; it gets a name where it would be written twice or read too late.
 */
export class BodyValues {
  readonly vectors: VectorLanguage | undefined;
  readonly names: Names;
  /** Of the statements that come next. */
  depth = 1;
  readonly #language: Language;
  /** Each lane of every value known so far. */
  readonly #lanes = new Map<Value, readonly Expression[]>();
  /** Values that are not printed yet. */
  readonly #waiting = new Set<Value>();
  readonly #lines: Line[] = [];

  constructor(language: Language, names: Names, vectors: VectorLanguage | undefined) {
    this.#language = language;
    this.names = names;
    this.vectors = vectors;
  }

  set(value: Value, lanes: readonly Expression[]): void {
    this.#lanes.set(value, lanes);
  }

  /** Each lane of an operand, for the one place where the text goes. */
  take(value: Value): readonly Expression[] {
    const lanes = this.#lanes.get(value);
    invariant(lanes, 'an operand is not defined before it is used');
    this.#waiting.delete(value);
    return lanes;
  }

  /** Each lane of an operand as something that may be written several times. */
  takeNamed(value: Value): readonly Expression[] {
    if (this.#waiting.has(value)) this.name(value);
    const lanes = this.take(value);
    if (lanes.every(isAtom)) return lanes;
    this.name(value);
    return this.take(value);
  }

  /** The statements, without variables that nothing reads. */
  get lines(): readonly string[] {
    const read = new Set<string>();
    const kept = this.#lines.toReversed().filter(({ text, declares }) => {
      const needed = declares === undefined || read.has(declares);
      if (needed) for (const [word] of text.matchAll(/[A-Za-z_]\w*/g)) read.add(word);
      return needed;
    });
    return kept.reverse().map(({ text }) => text);
  }

  line(text: string, declares?: string): void {
    this.#lines.push({ text: `${'  '.repeat(this.depth)}${text}`, declares });
  }

  /** Leaves a value to its only use, or gives it a name. */
  settle(op: Op, result: Value): void {
    const lanes = this.#lanes.get(result) as readonly Expression[];
    if (lanes.every(isAtom)) return;
    const [use, ...others] = result.uses;
    const nests = others.length === 0 && use?.op.block === op.block && lanes.every((e) => e.text.length <= LONGEST);
    if (nests) this.#waiting.add(result);
    else this.name(result);
  }

  /** The vector type of a value where the language has vectors. */
  vectorType(value: Value): string | undefined {
    return value.type.kind === 'vec' ? this.vectors?.type(value) : undefined;
  }

  constant(value: Value, name: string, text: string): string {
    const type = this.vectorType(value);
    return type ? `const ${type} ${name} = ${text};` : this.#language.constant(elementOf(value), name, text);
  }

  name(value: Value): void {
    this.#waiting.delete(value);
    const lanes = this.#lanes.get(value) as readonly Expression[];
    const base = this.names.numbered(baseName(value));
    const named = lanes.map((e, lane) => {
      if (isAtom(e)) return e;
      const name = lanes.length === 1 ? base : this.names.unique(`${base}_${lane}`);
      this.line(this.constant(value, name, e.text), name);
      return primary(name);
    });
    this.#lanes.set(value, named);
  }

  /** Before memory changes: what has been read must have a name. */
  nameReads(): void {
    for (const value of [...this.#waiting]) {
      if (this.#lanes.get(value)?.some((e) => e.reads)) this.name(value);
    }
  }
}

/** What a value is called: by its own name, by the buffer that it was loaded from, or `t`. */
export function baseName(value: Value): string {
  if (value.name) return value.name;
  const loaded = value.op && memory.load.is(value.op) ? value.op.operand(0).name : undefined;
  return loaded ?? 't';
}
