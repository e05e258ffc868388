import { registry } from '../../dialects/index.ts';
import { bindDims } from '../../passes/import/bindDims.ts';
import { type Module, openSize, symbolsOf, type TensorType } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { copyModule } from './read.ts';
import { checkIsModel, signatureOf } from './signature.ts';

/**
 * Sizes of a model's open dimensions by name, the bounds within which a program takes them, or sums of other
 * dimensions and numbers: `past+1`.
 */
export type Dimensions = Readonly<Record<string, number | string | { readonly min: number; readonly max: number }>>;

/**
 * Gives every open dimension of a module its size or its bounds, in place. A leading one, the batch, is 1 unless it is named.
 *
 * @throws QcError when a size stays unknown, or is given for a name that the model does not have
 */
export async function bindDimensions(
  module: Module,
  dims: Dimensions = {},
  report: (line: string) => void = () => {},
): Promise<void> {
  checkIsModel(module);
  const given = Object.entries(dims).map(([name, size]) =>
    typeof size === 'object' ? `${name}=${size.min}..${size.max}` : `${name}=${size}`,
  );
  await bindDims.run(module, { dims: given }, { registry, report });
  const { args } = module.main.body;
  const symbols = args.flatMap(({ type }) => (type as TensorType).shape.flatMap((dim) => [...symbolsOf(dim)]));
  const open = new Set(symbols.filter((name) => (module.symbols.get(name)?.max ?? openSize) >= openSize));
  const [first] = open;
  if (first === undefined) return;
  throw new QcError({
    what: `the model leaves the size of ${[...open].map((name) => `'${name}'`).join(', ')} open`,
    where: args.map(({ name, type }) => `${name}: ${type.key}`).join(', '),
    why: 'a program is planned for sizes or bounds',
    help: `say it, for example --dim ${first}=128 or --dim ${first}=1..128`,
  });
}

/** The module itself, or where sizes have bounds a copy of it with every size at its greatest. */
export async function atLargest(module: Module): Promise<Module> {
  const { symbols } = signatureOf(module);
  if (!symbols) return module;
  const copy = copyModule(module);
  const dims = Object.entries(symbols).map(([name, { max }]) => `${name}=${max}`);
  await bindDims.run(copy, { dims }, { registry, report: () => {} });
  return copy;
}
