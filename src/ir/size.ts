import { applyDim, type Dim, type DimFunction, foldDim } from './dim.ts';

/** A dimension as plain data: a number, a symbol by its name, or a function of two sizes. */
export type Size = number | string | readonly ['+' | '*' | DimFunction, Size, Size];

/** A dimension as plain data, for what runs without the compiler. */
export function sizeOf(dim: Dim): Size {
  return foldDim<Size>(dim, {
    number: (value) => value,
    symbol: (name) => name,
    add: (a, b) => ['+', a, b],
    mul: (a, b) => ['*', a, b],
    apply: (name, a, b) => [name, a, b],
  });
}

/** A size where symbols have values; undefined where one has none. */
export function sizeIn(size: Size, symbols: ReadonlyMap<string, number>): number | undefined {
  if (typeof size === 'number') return size;
  if (typeof size === 'string') return symbols.get(size);
  const [name, left, right] = size;
  const [a, b] = [sizeIn(left, symbols), sizeIn(right, symbols)];
  if (a === undefined || b === undefined) return undefined;
  if (name === '+') return a + b;
  return name === '*' ? a * b : (applyDim(name, a, b) as number);
}
