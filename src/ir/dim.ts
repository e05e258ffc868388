import { QcError } from '../support/diagnostics.ts';
import { Interner } from '../support/interner.ts';

/**
 * A dimension: an integer, or a canonical expression over symbols. Expressions are interned, so two
 * dimensions are known to be equal exactly when they are `===`.
 */
export type Dim = number | DimExpr;

export type DimFunction = 'floordiv' | 'mod' | 'min' | 'max';

/** What cannot be opened further: a symbol, or a function of two dimensions. */
type Atom = { readonly symbol: string } | { readonly fn: DimFunction; readonly a: Dim; readonly b: Dim };

/** A sum of terms: coefficient times a sorted product of atoms. */
interface Term {
  readonly coefficient: number;
  readonly atoms: readonly string[];
}

/** A symbolic dimension in canonical form. Made only by the functions of this file. */
export class DimExpr {
  readonly key: string;
  readonly terms: readonly Term[];

  constructor(key: string, terms: readonly Term[]) {
    this.key = key;
    this.terms = terms;
  }

  toString(): string {
    return this.key;
  }
}

const expressions = new Interner<DimExpr>();
const atoms = new Map<string, Atom>();

function atomKey(atom: Atom): string {
  const key = 'symbol' in atom ? symbolText(atom.symbol) : `${atom.fn}(${atom.a}, ${atom.b})`;
  if (!atoms.has(key)) atoms.set(key, atom);
  return key;
}

/** A symbol's name as expressions show it: quoted where it is no identifier, so that `17` stays a number. */
function symbolText(name: string): string {
  return /^(?!_$)[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function fromTerms(terms: Iterable<Term>): Dim {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const key = term.atoms.join('*');
    const coefficient = (sums.get(key)?.coefficient ?? 0) + term.coefficient;
    sums.set(key, { coefficient, atoms: term.atoms });
  }
  const kept = [...sums.entries()].filter(([, t]) => t.coefficient !== 0).sort(([a], [b]) => (a < b ? 1 : -1));
  if (kept.length === 0) return 0;
  const only = kept[0];
  if (kept.length === 1 && only && only[0] === '') return only[1].coefficient;
  const text = kept
    .map(([key, t]) => (key === '' ? `${t.coefficient}` : t.coefficient === 1 ? key : `${key}*${t.coefficient}`))
    .join(' + ');
  const key = kept.length === 1 && !text.includes('*') ? text : `(${text})`;
  return expressions.get(
    key,
    () =>
      new DimExpr(
        key,
        kept.map(([, t]) => t),
      ),
  );
}

function termsOf(d: Dim | undefined): readonly Term[] {
  if (typeof d === 'number') return [{ coefficient: d, atoms: [] }];
  if (d) return d.terms;
  // Mappings compute with axes by number, and a damaged model's tensor may have fewer.
  throw new QcError({ what: 'an operand has fewer axes than this operator needs', help: 'export the model again' });
}

/** The symbol `name` as a dimension. */
export function symbol(name: string): Dim {
  return fromTerms([{ coefficient: 1, atoms: [atomKey({ symbol: name })] }]);
}

/** a + b. */
export function addDim(a: Dim, b: Dim): Dim {
  return fromTerms([...termsOf(a), ...termsOf(b)]);
}

/** a · b. */
export function mulDim(a: Dim, b: Dim): Dim {
  const product = (x: Term, y: Term): Term => ({
    coefficient: x.coefficient * y.coefficient,
    atoms: [...x.atoms, ...y.atoms].sort(),
  });
  return fromTerms(termsOf(a).flatMap((x) => termsOf(b).map((y) => product(x, y))));
}

/** a − b. */
export function subDim(a: Dim, b: Dim): Dim {
  return addDim(a, mulDim(b, -1));
}

/** ⌊a / b⌋ for b > 0; a sum whose every coefficient divides by an integer b is divided exactly. */
export function floorDivDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  if (b === 1) return a;
  if (a === b) return 1;
  if (typeof b === 'number' && termsOf(a).every((t) => t.coefficient % b === 0)) {
    return fromTerms(termsOf(a).map((t) => ({ ...t, coefficient: t.coefficient / b })));
  }
  const quotient = typeof b === 'number' ? undefined : exactQuotient(a, b);
  return quotient ?? fn('floordiv', a, b);
}

/** a / b when b is a single term that divides every term of a, or a is b times a single term. */
function exactQuotient(a: Dim, b: DimExpr): Dim | undefined {
  const divisor = b.terms[0] as Term;
  const quotients = termsOf(a).map((term) => termQuotient(term, divisor));
  if (b.terms.length > 1) return quotients.map((q) => q && fromTerms([q])).find((q) => q && mulDim(q, b) === a);
  const known = quotients.filter((q) => q !== undefined);
  return known.length === quotients.length ? fromTerms(known) : undefined;
}

function termQuotient({ coefficient, atoms }: Term, divisor: Term): Term | undefined {
  const rest = [...atoms];
  for (const atom of divisor.atoms) {
    const at = rest.indexOf(atom);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  return coefficient % divisor.coefficient === 0
    ? { coefficient: coefficient / divisor.coefficient, atoms: rest }
    : undefined;
}

/** a mod b, in [0, b) for b > 0. */
export function modDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return ((a % b) + b) % b;
  if (b === 1 || a === b) return 0;
  if (typeof b === 'number' && termsOf(a).every((t) => t.coefficient % b === 0)) return 0;
  return fn('mod', a, b);
}

/** The smaller of a and b. */
export function minDim(a: Dim, b: Dim): Dim {
  return extreme('min', a, b);
}

/** The larger of a and b. */
export function maxDim(a: Dim, b: Dim): Dim {
  return extreme('max', a, b);
}

/**
 * The minimum or maximum of all that a and b are the minimum or maximum of: each once, in order, numbers as one, and
 * without what max(a, min(a, b)) = a and min(a, max(a, b)) = a make superfluous. So it stays as small as it can.
 */
function extreme(name: 'min' | 'max', a: Dim, b: Dim): Dim {
  const other = name === 'min' ? 'max' : 'min';
  const all = new Set([...partsOf(name, a), ...partsOf(name, b)]);
  const numbers = [...all].filter((part) => typeof part === 'number');
  const parts = [...all]
    .filter((part): part is DimExpr => typeof part !== 'number')
    .filter((part) => !partsOf(other, part).some((inner) => inner !== part && all.has(inner)))
    .sort((x, y) => (x.key < y.key ? -1 : 1));
  const kept: Dim[] = numbers.length > 0 ? [...parts, Math[name](...numbers)] : parts;
  return kept.reduceRight((rest, part) => fn(name, part, rest));
}

/** What `dim` is the minimum or maximum of; itself where it is none. */
function partsOf(name: 'min' | 'max', dim: Dim): Dim[] {
  if (typeof dim === 'number') return [dim];
  const [term, ...more] = dim.terms;
  const [key, ...factors] = term?.atoms ?? [];
  if (more.length > 0 || factors.length > 0 || term?.coefficient !== 1 || key === undefined) return [dim];
  const atom = atoms.get(key) as Atom;
  return 'fn' in atom && atom.fn === name ? [...partsOf(name, atom.a), ...partsOf(name, atom.b)] : [dim];
}

function fn(name: DimFunction, a: Dim, b: Dim): Dim {
  return fromTerms([{ coefficient: 1, atoms: [atomKey({ fn: name, a, b })] }]);
}

const functions: Record<DimFunction, (a: Dim, b: Dim) => Dim> = {
  floordiv: floorDivDim,
  mod: modDim,
  min: minDim,
  max: maxDim,
};

/** Applies a dimension function by its name in text. */
export function applyDim(name: DimFunction, a: Dim, b: Dim): Dim {
  return functions[name](a, b);
}

export function isDimFunction(word: string): word is DimFunction {
  return Object.hasOwn(functions, word);
}

/** `dim` with symbols replaced by what `binding` gives for them; symbols it does not know stay. */
export function bindDim(dim: Dim, binding: ReadonlyMap<string, Dim>): Dim {
  if (typeof dim === 'number') return dim;
  let sum: Dim = 0;
  for (const term of dim.terms) {
    let product: Dim = term.coefficient;
    for (const key of term.atoms) {
      const atom = atoms.get(key) as Atom;
      const value: Dim =
        'symbol' in atom
          ? (binding.get(atom.symbol) ?? symbol(atom.symbol))
          : applyDim(atom.fn, bindDim(atom.a, binding), bindDim(atom.b, binding));
      product = mulDim(product, value);
    }
    sum = addDim(sum, product);
  }
  return sum;
}

/** What the arithmetic of dimensions becomes elsewhere: code, bounds, text. */
export interface DimAlgebra<T> {
  readonly number: (value: number) => T;
  readonly symbol: (name: string) => T;
  readonly add: (a: T, b: T) => T;
  readonly mul: (a: T, b: T) => T;
  readonly apply: (name: DimFunction, a: T, b: T) => T;
}

/** A dimension computed in another algebra. */
export function foldDim<T>(dim: Dim, algebra: DimAlgebra<T>): T {
  if (typeof dim === 'number') return algebra.number(dim);
  const factor = (key: string): T => {
    const atom = atoms.get(key) as Atom;
    if ('symbol' in atom) return algebra.symbol(atom.symbol);
    return algebra.apply(atom.fn, foldDim(atom.a, algebra), foldDim(atom.b, algebra));
  };
  const product = ({ coefficient, atoms: keys }: Term): T => {
    const factors = keys.map(factor);
    if (factors.length === 0 || coefficient !== 1) factors.push(algebra.number(coefficient));
    return factors.reduce(algebra.mul);
  };
  return dim.terms.map(product).reduce(algebra.add);
}

/** The least and the greatest that a dimension can be, as far as the bounds of its symbols tell. */
export function boundsOf(
  dim: Dim,
  symbols: ReadonlyMap<string, { min: number; max: number }>,
): { min: number; max: number } {
  const spanned = (...values: number[]) => ({ min: Math.min(...values), max: Math.max(...values) });
  return foldDim(dim, {
    number: (value) => ({ min: value, max: value }),
    symbol: (name) => symbols.get(name) ?? { min: 0, max: Number.POSITIVE_INFINITY },
    add: (a, b) => ({ min: a.min + b.min, max: a.max + b.max }),
    mul: (a, b) => spanned(a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max),
    apply(name, a, b) {
      if (name === 'min') return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
      if (name === 'max') return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
      if (name === 'mod') return { min: 0, max: b.max - 1 };
      const quotients = [a.min / b.min, a.min / b.max, a.max / b.min, a.max / b.max].map(Math.floor);
      return spanned(...quotients);
    },
  });
}

/** a·b·…; 1 for none. */
export function productOf(dims: readonly Dim[]): Dim {
  return dims.reduce(mulDim, 1);
}

/** The symbols that a dimension depends on. */
export function symbolsOf(dim: Dim, into: Set<string> = new Set()): Set<string> {
  if (typeof dim === 'number') return into;
  for (const key of dim.terms.flatMap((t) => t.atoms)) {
    const atom = atoms.get(key) as Atom;
    if ('symbol' in atom) into.add(atom.symbol);
    else symbolsOf(atom.b, symbolsOf(atom.a, into));
  }
  return into;
}
