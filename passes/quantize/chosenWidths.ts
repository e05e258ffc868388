import { type Module, Resource } from '../../src/ir/index.ts';

/** The width that a budget gives the weights of a layer is a fact of the module: later passes store them so. */
const widthFact = (source: string): string => `width:${source}`;

/** Keeps the bits of each weight of the layers of a name. */
export function storeWidth(module: Module, source: string, bits: number): void {
  const name = widthFact(source);
  module.facts.set(name, Resource.of(name, 'f64', Float64Array.of(bits)));
}

/** The bits of each weight of the layers of a name; undefined where nothing was chosen. */
export function loadWidth(module: Module, source: string): number | undefined {
  return (module.facts.get(widthFact(source))?.data() as Float64Array | undefined)?.[0];
}
