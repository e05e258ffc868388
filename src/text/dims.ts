import { bindDim, type Dim, isScalarType, symbol, symbolsOf } from '../ir/index.ts';

const bareSymbol = /^[A-Za-z_]\w*$/;
/** Text that a shape can hold as it is: everything up to the next `x` is the dimension. */
const bareInShape = /^(?:\d+|[A-Za-wyz_][A-Za-wyz0-9_]*|\(.*\)|(?:floordiv|mod|min|max)\(.*\))$/;
const attributeWords = new Set(['true', 'false', 'inf', 'nan', '_']);

/** A dimension's canonical text, with quotes around symbols that are no identifiers. */
export function dimText(dim: Dim): string {
  if (typeof dim === 'number') return String(dim);
  const odd = [...symbolsOf(dim)].filter((name) => !bareSymbol.test(name) || name === '_');
  if (odd.length === 0) return dim.key;
  return String(bindDim(dim, new Map(odd.map((name) => [name, symbol(JSON.stringify(name))]))));
}

/** A dimension as a shape holds it, the `x` after it included. */
export function shapeDimText(dim: Dim): string {
  const text = dimText(dim);
  return bareInShape.test(text) ? `${text}x` : `(${text})x`;
}

/** A symbolic dimension as the value of an attribute, where some words mean something else. */
export function attributeDimText(dim: Dim): string {
  const text = dimText(dim);
  return attributeWords.has(text) || isScalarType(text) || text.startsWith('"') ? `(${text})` : text;
}
