import { boundsOf, type Module, storedBytes, symbolsOf, type TensorType, tensor } from '../../src/ir/index.ts';
import { foundSizes } from '../foundSizes.ts';

/** The symbols of the inputs' shapes, in the order in which programs are told them; behind them those that ops find. */
export function programSymbols(module: Module): string[] {
  const dims = module.main.body.args.flatMap(({ type }) => (type.kind === 'tensor' ? type.shape : []));
  const found = [...foundSizes(module)].map(([name]) => name);
  return [...new Set([...dims.flatMap((dim) => [...symbolsOf(dim)]), ...found])];
}

/** A tensor type with every size at its greatest. */
export function largest({ shape, element, layout }: TensorType, { symbols }: Module): TensorType {
  return tensor(
    shape.map((dim) => boundsOf(dim, symbols).max),
    element,
    layout,
  );
}

/** Bytes that a buffer takes for every size that a tensor may have. */
export function mostBytes(type: TensorType, module: Module): number {
  return storedBytes(largest(type, module));
}
