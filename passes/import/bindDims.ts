import {
  type Attribute,
  addDim,
  attr,
  bindDim,
  type Dim,
  DimExpr,
  type Module,
  openSize,
  Rewriter,
  symbol,
  symbolsOf,
  type TensorType,
  type Type,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { didYouMean, QcError } from '../../src/support/diagnostics.ts';
import { foundSizes } from '../foundSizes.ts';

/** Gives symbolic dimensions numbers or bounds: those that are named, and the batch, which is 1 unless it is named. */
export const bindDims = definePass({
  name: 'bind-dims',
  summary:
    'Gives symbolic dimensions numbers or bounds, as in dims=["N=4", "T=1..512", "S=T+1"]; the batch is 1 unless it is named.',
  phase: 'import',
  options: { dims: attr.strings([]) },
  preserves: 'bits',
  run(module, { dims }, context) {
    const binding = bindingOf(module, dims);
    if (binding.size === 0) return;
    bindModule(module, binding);
    for (const [name, value] of binding) {
      module.symbols.delete(name);
      context.report(`dimension ${name} is ${value}`);
    }
  },
});

function bindingOf(module: Module, given: readonly string[]): Map<string, Dim> {
  const args = module.main.body.args.map((arg) => (arg.type as TensorType).shape);
  const found = foundSizes(module);
  const known = new Set([...args.flat().flatMap((dim) => [...symbolsOf(dim)]), ...found.keys()]);
  const binding = new Map<string, Dim>();
  for (const shape of args) {
    const [first] = shape;
    if (!(first instanceof DimExpr)) continue;
    for (const name of symbolsOf(first)) if (isOpen(module, name)) binding.set(name, 1);
  }
  for (const text of given) {
    // the last one: a name may hold others
    const at = text.lastIndexOf('=');
    const [name, digits] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
    if (!known.has(name)) throw unknownSymbol(name, known);
    const [, low, high] = /^(\d+)\.\.([1-9]\d*)$/.exec(digits) ?? [];
    if (low !== undefined && Number(low) <= Number(high) && Number(high) < openSize) {
      module.symbols.set(name, { min: Number(low), max: Number(high) });
      binding.delete(name);
      continue;
    }
    if (found.has(name)) {
      throw new QcError({
        what: `'${text}' gives one size`,
        where: found.get(name)?.source,
        why: `data decide the size ${name}`,
        help: `give its bounds: --dim ${name}=0..128`,
      });
    }
    const sum = digits.split('+');
    if (sum.length > 1 && sum.every((term) => /^\d+$/.test(term) || known.has(term))) {
      binding.set(name, sum.map((term) => (known.has(term) ? symbol(term) : Number(term))).reduce<Dim>(addDim, 0));
      continue;
    }
    if (!/^[1-9]\d*$/.test(digits)) {
      throw new QcError({
        what: `'${text}' gives no size`,
        help: 'write NAME=SIZE with a whole number from 1, such as N=4, bounds, such as N=1..512, or a sum, such as N=P+1',
      });
    }
    binding.set(name, Number(digits));
  }
  // a sum may be of dimensions that have sizes
  return new Map([...binding].map(([name, size]) => [name, bindDim(size, binding)]));
}

const isOpen = (module: Module, name: string) => (module.symbols.get(name)?.max ?? openSize) >= openSize;

function unknownSymbol(name: string, known: ReadonlySet<string>): QcError {
  const near = didYouMean(name, known);
  return new QcError({
    what: `the model has no dimension '${name}'`,
    why: known.size > 0 ? `its dimensions are ${[...known].join(', ')}` : 'all its dimensions are numbers',
    help: near ? `did you mean '${near}'?` : undefined,
  });
}

function bindModule(module: Module, binding: ReadonlyMap<string, Dim>): void {
  const rewriter = new Rewriter();
  for (const op of module.ops()) {
    const bound = Object.entries(op.attributes).map(([name, value]) => [name, bindAttribute(value, binding)] as const);
    if (bound.some(([name, value]) => value !== op.attributes[name]))
      rewriter.setAttributes(op, Object.fromEntries(bound));
  }
  const bindValue = (value: Value) => rewriter.retype(value, bindType(value.type, binding));
  for (const func of module.functions.values()) {
    func.body.args.forEach(bindValue);
    func.resultTypes = func.resultTypes.map((type) => bindType(type, binding));
  }
  for (const op of module.ops()) {
    op.results.forEach(bindValue);
    for (const region of op.regions) region.args.forEach(bindValue);
  }
}

function bindType(type: Type, binding: ReadonlyMap<string, Dim>): Type {
  if (type.kind !== 'tensor') return type;
  return tensor(
    type.shape.map((dim) => bindDim(dim, binding)),
    type.element,
    type.layout,
  );
}

function bindAttribute(value: Attribute | undefined, binding: ReadonlyMap<string, Dim>): Attribute | undefined {
  if (value instanceof DimExpr) return bindDim(value, binding);
  if (!Array.isArray(value) || !value.some((item) => item instanceof DimExpr)) return value;
  return value.map((item) => bindAttribute(item, binding) as Attribute);
}
