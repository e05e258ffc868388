import { signatureOf } from '../../dialects/kernel/interpret.ts';
import { type Dim, type Module, type Size, sizeIn, sizeOf } from '../../src/ir/index.ts';
import { identifier, Names } from '../clike/names.ts';

/** A size that is known when the program runs: a parameter of NAME_run, one that the context keeps, or one that it finds. */
export interface CSize {
  /** As the model calls it. */
  readonly name: string;
  /** As the C code calls it: `size_T`. */
  readonly identifier: string;
  readonly min: number;
  readonly max: number;
  /** Of a size that grows from run to run: what it is in the next one, and its place in bytes among the states. */
  readonly grows?: { readonly next: Size; readonly offset: number };
  /** Whether data decide it. */
  readonly found?: boolean;
}

/** What has a shape, with the sizes to compute where it is not known before. */
interface Shaped {
  /** At most. */
  readonly shape: readonly number[];
  readonly sizes?: readonly Size[];
}

const bytesOfSize = 4;

/** The sizes of a planned program in the order in which kernels take them; those that grow lie behind the states. */
export function sizesOf(module: Module): CSize[] {
  const { symbols, symbol_bounds, grown, grown_next, grown_max, found, state_bytes } = signatureOf(module);
  const names = new Names();
  return symbols.map((name, i) => {
    const [min = 0, max = 0] = symbol_bounds.slice(2 * i, 2 * i + 2);
    const size = { name, identifier: names.unique(`size_${identifier(name)}`), min, max };
    const at = grown.indexOf(name);
    if (at < 0) return found.includes(name) ? { ...size, found: true } : size;
    const next = sizeOf(grown_next[at] as Dim);
    return { ...size, max: grown_max[at] as number, grows: { next, offset: state_bytes + bytesOfSize * at } };
  });
}

/** Bytes of the states of a planned program, and of the sizes that grow with them. */
export function stateBytesOf(module: Module): number {
  const { state_bytes, grown } = signatureOf(module);
  return state_bytes + bytesOfSize * grown.length;
}

/** Whether the caller says it. */
export const isChosen = ({ grows, found }: CSize): boolean => grows === undefined && !found;

export const isFound = ({ found }: CSize): boolean => found === true;

/** A size as an expression of C. */
export function sizeText(size: Size, sizes: readonly CSize[]): string {
  if (typeof size === 'number') return `${size}`;
  if (typeof size === 'string') return sizes.find(({ name }) => name === size)?.identifier ?? size;
  const [name] = size;
  const [a, b] = [sizeText(size[1], sizes), sizeText(size[2], sizes)];
  const rest = `((${a} % ${b} + ${b}) % ${b})`;
  switch (name) {
    case '+':
    case '*':
      return `(${a} ${name} ${b})`;
    case 'floordiv':
      return `((${a} - ${rest}) / ${b})`;
    case 'mod':
      return rest;
    case 'min':
      return `(${a} < ${b} ? ${a} : ${b})`;
    case 'max':
      return `(${a} > ${b} ? ${a} : ${b})`;
  }
}

/** The symbols of a size. */
export function namesIn(size: Size): string[] {
  if (typeof size === 'string') return [size];
  return typeof size === 'number' ? [] : [...namesIn(size[1]), ...namesIn(size[2])];
}

/** The number of elements as an expression of C. */
export function countText({ shape, sizes }: Shaped, known: readonly CSize[]): string {
  if (!sizes) return `${shape.reduce((n, dim) => n * dim, 1)}`;
  const factors = sizes.filter((size) => size !== 1).map((size) => sizeText(size, known));
  return factors.length === 0 ? '1' : factors.map((factor) => `(size_t)${factor}`).join(' * ');
}

/** The shape in words: numbers, and what stands for one. */
export function shapeText({ shape, sizes }: Shaped): string {
  const text = (size: Size): string => {
    if (typeof size !== 'object') return `${size}`;
    const [name, a, b] = size;
    return name === '+' || name === '*' ? `(${text(a)} ${name} ${text(b)})` : `${name}(${text(a)}, ${text(b)})`;
  };
  return (sizes ?? shape).map(text).join(' x ') || 'one element';
}

/** The values of the sizes in the next run: those that grow have grown. */
export function nextSizes(sizes: readonly CSize[], values: ReadonlyMap<string, number>): Map<string, number> {
  const grown = sizes.flatMap(({ name, grows }): [string, number][] =>
    grows ? [[name, sizeIn(grows.next, values) ?? 0]] : [],
  );
  return new Map([...values, ...grown]);
}

/** The shape for some values of the sizes. */
export function shapeIn({ shape, sizes }: Shaped, values: ReadonlyMap<string, number>): number[] {
  return sizes ? sizes.map((size) => sizeIn(size, values) ?? 0) : [...shape];
}
