/**
 * Keeps one object for each key, so that equality is `===`. Entries are weak: an object that nobody holds
 * any more can be collected, and so a long-lived page that compiles many models does not grow.
 */
export class Interner<T extends object> {
  readonly #entries = new Map<string, WeakRef<T>>();
  readonly #registry = new FinalizationRegistry<string>((key) => {
    if (this.#entries.get(key)?.deref() === undefined) this.#entries.delete(key);
  });

  /** The object known under `key`, made by `create` when there is none. */
  get(key: string, create: () => T): T {
    const known = this.#entries.get(key)?.deref();
    if (known) return known;
    const made = create();
    this.#entries.set(key, new WeakRef(made));
    this.#registry.register(made, key);
    return made;
  }
}
