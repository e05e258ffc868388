import {
  type Attribute,
  type Attributes,
  bindDim,
  type Dim,
  DimExpr,
  type Op,
  symbol as symbolDim,
  symbolsOf,
  type TensorType,
  tensor,
} from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';

/** Values of the symbols of a module's dimensions. */
export type Binding = ReadonlyMap<string, Dim>;

/** The type with every symbol replaced. @throws QcError when a symbol has no value. */
export function bindType(type: TensorType, binding: Binding): TensorType {
  if (type.shape.every((dim) => typeof dim === 'number')) return type;
  const shape = type.shape.map((dim) => bound(dim, binding));
  return tensor(shape, type.element, type.layout);
}

/** Binds the symbols that stand alone in the shape of a result whose size depends on data. */
export function bindResult(type: TensorType, value: HostTensor, binding: Map<string, Dim>): void {
  for (const [i, dim] of type.shape.entries()) {
    const symbol = aloneIn(dim);
    if (symbol !== undefined) binding.set(symbol, value.shape[i] as number);
  }
}

/** The symbol that a dimension is, where it is nothing but a symbol. */
function aloneIn(dim: Dim): string | undefined {
  const [symbol] = typeof dim === 'number' ? [] : symbolsOf(dim);
  return symbol !== undefined && dim === symbolDim(symbol) ? symbol : undefined;
}

function bound(dim: Dim, binding: Binding): number {
  const value = bindDim(dim, binding);
  if (typeof value === 'number') return value;
  throw new QcError({
    what: `the dimension ${dim} is not known`,
    why: 'no input tells its size',
    help: 'give the size of each symbol, or inputs that have it',
  });
}

/** Attributes with every symbol replaced; the same object when there is none. */
export function bindAttributes(attributes: Attributes, binding: Binding): Attributes {
  const values = Object.values(attributes);
  if (!values.some(isSymbolic)) return attributes;
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, bindAttribute(value, binding)]));
}

/** Whether attributes of an op depend on sizes that only a run tells. */
export const hasOpenSizes = ({ attributes }: Op): boolean => Object.values(attributes).some(isSymbolic);

function isSymbolic(value: Attribute | undefined): boolean {
  return value instanceof DimExpr || (Array.isArray(value) && value.some((item) => item instanceof DimExpr));
}

function bindAttribute(value: Attribute | undefined, binding: Binding): Attribute | undefined {
  if (value instanceof DimExpr) return bound(value, binding);
  return Array.isArray(value) && isSymbolic(value)
    ? value.map((item) => bindAttribute(item, binding) as Attribute)
    : value;
}

/**
 * Matches an input's actual shape with its declared one and binds the symbols that stand alone in it.
 * @throws QcError that shows both shapes.
 */
export function bindShape(name: string, type: TensorType, value: HostTensor, binding: Map<string, Dim>): void {
  const fits =
    value.shape.length === type.shape.length &&
    type.shape.every((dim, i) => {
      const size = value.shape[i] as number;
      if (typeof dim === 'number') return dim === size;
      const symbol = aloneIn(dim);
      if (symbol !== undefined && !binding.has(symbol)) binding.set(symbol, size);
      const expected = bindDim(dim, binding);
      return typeof expected !== 'number' || expected === size;
    });
  if (fits) return;
  const known = type.shape.map((dim) => bindDim(dim, binding));
  throw new QcError({
    what: `the input '${name}' has the shape [${value.shape.join(', ')}]`,
    where: name,
    why: `the model needs [${type.shape.join(', ')}]${known.join() === type.shape.join() ? '' : `, here [${known.join(', ')}]`}`,
    help: 'give the input in the shape that the model declares',
  });
}
