import {
  type Attribute,
  type Block,
  DimExpr,
  type Module,
  type QuantParams,
  Resource,
  type Type,
  walk,
} from '../ir/index.ts';
import { isQuantParams, isType } from './attributeKinds.ts';
import { UniqueNames } from './names.ts';

/** The `@names` of a module's text: quantization parameters by first use, and resources. */
export interface SymbolTable {
  readonly params: ReadonlyMap<QuantParams, string>;
  readonly resources: ReadonlyMap<Resource, string>;
}

/** Finds everything that a module's text says before its functions, in the order of first use. */
export function collectSymbols(module: Module): SymbolTable {
  const params = new Set<QuantParams>();
  const resources = new Set<Resource>(module.facts.values());
  const types = new Set<Type>();

  const visitType = (type: Type): void => {
    if (types.has(type)) return;
    types.add(type);
    if (type.kind !== 'tensor' || typeof type.element === 'string') return;
    if (type.element.params) params.add(type.element.params);
  };
  const visitAttribute = (value: Attribute | undefined): void => {
    if (typeof value !== 'object' || value === null || value instanceof DimExpr) return;
    if (value instanceof Resource) resources.add(value);
    else if (isType(value)) visitType(value);
    else if (isQuantParams(value)) params.add(value);
    else for (const inner of Object.values(value)) visitAttribute(inner as Attribute);
  };
  const visitArguments = (block: Block): void => {
    for (const argument of block.args) visitType(argument.type);
  };

  for (const func of module.functions.values()) {
    visitArguments(func.body);
    for (const type of func.resultTypes) visitType(type);
    for (const op of walk(func.body)) {
      for (const value of Object.values(op.attributes)) visitAttribute(value);
      for (const result of op.results) visitType(result.type);
      for (const region of op.regions) visitArguments(region);
    }
  }
  const named = new Map([...params].map((one, i) => [one, `q${i}`]));
  const names = new UniqueNames(named.values());
  return {
    params: named,
    resources: new Map([...resources].map((one) => [one, names.take(one.name || 'resource')])),
  };
}
