import { type Dim, isScalarType } from '../ir/index.ts';

/** Text that a shape can hold as it is: everything up to the next `x` is the dimension. */
const bareInShape = /^(?:\d+|[A-Za-wyz_][A-Za-wyz0-9_]*|\(.*\)|(?:floordiv|mod|min|max)\(.*\))$/;
const attributeWords = new Set(['true', 'false', 'inf', 'nan']);

/** A dimension as a shape holds it, the `x` after it included. */
export function shapeDimText(dim: Dim): string {
  const text = String(dim);
  return bareInShape.test(text) ? `${text}x` : `(${text})x`;
}

/** A symbolic dimension as the value of an attribute, where some words mean something else. */
export function attributeDimText(dim: Dim): string {
  const text = String(dim);
  return attributeWords.has(text) || isScalarType(text) || text.startsWith('"') ? `(${text})` : text;
}
