import { registry } from '../../dialects/index.ts';
import { bindDims } from '../../passes/import/bindDims.ts';
import { type Module, symbolsOf, type TensorType } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { checkIsModel } from './signature.ts';

/** Sizes of a model's open dimensions by name. */
export type Dimensions = Readonly<Record<string, number>>;

/**
 * Gives every open dimension of a module its size, in place. A leading one, the batch, is 1 unless it is named.
 *
 * @throws QcError when a size stays unknown, or is given for a name that the model does not have
 */
export async function bindDimensions(
  module: Module,
  dims: Dimensions = {},
  report: (line: string) => void = () => {},
): Promise<void> {
  checkIsModel(module);
  const given = Object.entries(dims).map(([name, size]) => `${name}=${size}`);
  await bindDims.run(module, { dims: given }, { registry, report });
  const { args } = module.main.body;
  const open = new Set(args.flatMap(({ type }) => (type as TensorType).shape.flatMap((dim) => [...symbolsOf(dim)])));
  const [first] = open;
  if (first === undefined) return;
  throw new QcError({
    what: `the model leaves the size of ${[...open].map((name) => `'${name}'`).join(', ')} open`,
    where: args.map(({ name, type }) => `${name}: ${type.key}`).join(', '),
    why: 'a program is planned for fixed sizes',
    help: `say it, for example --dim ${first}=128`,
  });
}
