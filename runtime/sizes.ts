/** The sizes of a model that leaves some open: from what the caller says, and the lengths of arrays. */

import type { Data, Size, TensorInfo, Tensors } from './tensors.ts';

/** A symbol of the model's sizes. */
export interface SymbolInfo {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Its value in the next run, where the model keeps it. It begins at `min`, and no run takes it beyond `max`. */
  readonly next?: Size;
  /** Of one that data decide: the address of the i32 that holds it after a run. */
  readonly found?: number;
}

/** What of a model may have open sizes. */
export interface OpenSizes {
  readonly symbols: readonly SymbolInfo[];
  readonly inputs: readonly TensorInfo[];
  /** What stays in the memory between runs, by the names of the inputs that it stands for. */
  readonly states: readonly TensorInfo[];
}

/** The sizes of one run. */
export type Sizes = Map<string, number>;

const sizeFunctions: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '*': (a, b) => a * b,
  floordiv: (a, b) => Math.floor(a / b),
  mod: (a, b) => ((a % b) + b) % b,
  min: Math.min,
  max: Math.max,
};

export function sizeIn(size: Size, sizes: Sizes): number {
  if (typeof size === 'number') return size;
  if (typeof size === 'string') return sizes.get(size) as number;
  const [name, a, b] = size;
  return (sizeFunctions[name] as (a: number, b: number) => number)(sizeIn(a, sizes), sizeIn(b, sizes));
}

/** Elements of a tensor for given sizes. */
export function lengthIn({ length, sizes: shape }: TensorInfo, sizes: Sizes): number {
  return shape ? shape.reduce<number>((n, size) => n * sizeIn(size, sizes), 1) : length;
}

function symbolsIn(size: Size): string[] {
  if (typeof size === 'string') return [size];
  return typeof size === 'number' ? [] : [...symbolsIn(size[1]), ...symbolsIn(size[2])];
}

/** Finds the size of `symbol` with which a tensor has so many elements; more of it never means fewer elements. */
function sizeFor(role: string, info: TensorInfo, symbol: SymbolInfo, length: number, sizes: Sizes): number {
  const lengthAt = (value: number) => lengthIn(info, new Map(sizes).set(symbol.name, value));
  let [low, high] = [symbol.min, symbol.max];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (lengthAt(middle) < length) low = middle + 1;
    else high = middle;
  }
  if (lengthAt(low) === length) return low;
  throw new RangeError(
    `${role} ${JSON.stringify(info.name)} has ${length} elements; its shape ${info.shape.join('×')} has none such for ${symbol.name} from ${symbol.min} to ${symbol.max}`,
  );
}

/** What the caller says and the lengths of the inputs tell about the sizes of one run. */
export function sizesOf(
  info: OpenSizes,
  kept: Sizes,
  told: Readonly<Record<string, number>>,
  given: Readonly<Tensors>,
): Sizes {
  const sizes: Sizes = new Map(kept);
  const open = info.symbols.filter(({ name, found }) => found === undefined && !kept.has(name));
  for (const [name, size] of Object.entries(told)) {
    const symbol = open.find((one) => one.name === name);
    if (!symbol) throw new TypeError(`there is no size ${JSON.stringify(name)} to be chosen`);
    if (!(Number.isInteger(size) && size >= symbol.min && size <= symbol.max)) {
      throw new RangeError(`the size ${name} is ${size}; it may be ${symbol.min} to ${symbol.max}`);
    }
    sizes.set(name, size);
  }
  for (let before = -1; before < sizes.size; ) {
    before = sizes.size;
    for (const one of info.inputs) {
      const data = given[one.name];
      const missing = new Set((one.sizes ?? []).flatMap(symbolsIn).filter((name) => !sizes.has(name)));
      const [name] = missing;
      const symbol = open.find((each) => each.name === name);
      if (data && symbol && missing.size === 1)
        sizes.set(symbol.name, sizeFor('input', one, symbol, data.length, sizes));
    }
  }
  const unknown = open.filter(({ name }) => !sizes.has(name)).map(({ name }) => name);
  if (unknown.length === 0) return sizes;
  throw new TypeError(
    `the lengths of the inputs do not tell ${unknown.join(', ')}: say it, as in { sizes: { ${unknown.map((name) => `${JSON.stringify(name)}: …`).join(', ')} } }`,
  );
}

/** The sizes of growing states that are given; those that share a size with them must be given too. */
export function grownSizes(
  info: OpenSizes,
  kept: Sizes,
  loaded: readonly TensorInfo[],
  given: Readonly<Tensors>,
): Sizes {
  const sizes: Sizes = new Map(kept);
  for (const symbol of info.symbols) {
    const shares = (one: TensorInfo) => (one.sizes ?? []).some((size) => symbolsIn(size).includes(symbol.name));
    const first = loaded.find(shares);
    if (symbol.next === undefined || !first) continue;
    sizes.set(symbol.name, sizeFor('state', first, symbol, (given[first.name] as Data).length, sizes));
    const missing = info.states.find((one) => shares(one) && !loaded.includes(one));
    if (!missing || sizes.get(symbol.name) === kept.get(symbol.name)) continue;
    throw new TypeError(
      `state ${JSON.stringify(missing.name)} is missing: it grows with ${JSON.stringify(first.name)}, which has another size now`,
    );
  }
  return sizes;
}

/** Whether data decide how many elements a tensor has. */
export function isFound({ sizes }: TensorInfo, { symbols }: OpenSizes): boolean {
  const names = new Set((sizes ?? []).flatMap(symbolsIn));
  return symbols.some(({ name, found }) => found !== undefined && names.has(name));
}

/** Calls `visit` with the place in memory of each element and its row-major index, where the two differ. */
export function forEachPlace(
  { sizes, order, shape }: TensorInfo,
  symbols: Sizes,
  visit: (place: number, index: number) => void,
): void {
  if (!order) return;
  const extents = (sizes ?? (shape as readonly number[])).map((size) => sizeIn(size, symbols));
  const steps: number[] = [];
  let count = 1;
  for (const axis of order.toReversed()) {
    steps[axis] = count;
    count *= extents[axis] as number;
  }
  const walk = (axis: number, place: number, index: number): void => {
    if (axis === extents.length) {
      visit(place, index);
      return;
    }
    const extent = extents[axis] as number;
    for (let i = 0; i < extent; i++) walk(axis + 1, place + i * (steps[axis] as number), index * extent + i);
  };
  walk(0, 0, 0);
}
