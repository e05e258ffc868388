import { addDim, type Dim, isDimFunction, type Module, symbol } from '../ir/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';

/** Symbols of a model's open dimensions: the model's own names, fresh ones where it has none. */
export class Symbols {
  readonly #module: Module;
  readonly #sizes: Readonly<Record<string, number>>;
  readonly #known = new Map<string, Dim>();
  readonly #taken = new Set<string>();
  readonly #used = new Set<string>();

  /** `sizes` fixes symbols by their names. */
  constructor(module: Module, sizes: Readonly<Record<string, number>>) {
    this.#module = module;
    this.#sizes = sizes;
  }

  /** Refuses a size that was given for a name that the model does not have. @throws QcError */
  checkAllUsed(): void {
    const unknown = Object.keys(this.#sizes).find((name) => !this.#used.has(name));
    if (unknown === undefined) return;
    const names = [...new Set([...this.#known.keys(), ...this.#taken])];
    const near = didYouMean(unknown, names);
    throw new QcError({
      what: `the model has no dimension '${unknown}'`,
      why: names.length > 0 ? `its dimensions are ${names.join(', ')}` : 'all its dimensions are numbers',
      help: near ? `did you mean '${near}'?` : undefined,
    });
  }

  /** The size that was given for a name. */
  #sizeOf(name: string): number | undefined {
    this.#used.add(name);
    return this.#sizes[name];
  }

  /** The dimension that a size, a name such as `batch` or `past + sequence`, or nothing stands for. */
  dimension(declared: number | string | undefined, hint: string): Dim {
    if (typeof declared === 'number') return declared;
    if (declared === undefined) return this.#fresh(hint);
    const parts = declared.split(' + ');
    if (parts.length > 1 && parts.every((part) => /^\w+$/.test(part))) {
      return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : this.#named(part))).reduce(addDim);
    }
    return this.#named(declared);
  }

  #named(name: string): Dim {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const dim = this.#sizeOf(name) ?? this.#symbol(name, 2 ** 31 - 1);
    this.#known.set(name, dim);
    return dim;
  }

  /** A new symbol for a size that depends on data. */
  dataDependent(hint: string, max: Dim | undefined): Dim {
    return this.#fresh(hint, typeof max === 'number' ? max : undefined);
  }

  #fresh(hint: string, max = 2 ** 31 - 1): Dim {
    return this.#symbol(hint.replace(/\W/g, '_').replace(/^(?=\d)|^$/, 'd'), max);
  }

  /** A symbol of a name, or of the first free one that begins with it. */
  #symbol(wanted: string, max: number): Dim {
    let name = isDimFunction(wanted) || wanted === '_' || wanted === '' ? `${wanted}_` : wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    const size = this.#sizeOf(name);
    if (size !== undefined) return size;
    this.#module.symbols.set(name, { min: 0, max });
    return symbol(name);
  }
}
