import { refusedOnDevices } from '../../kernels/index.ts';
import {
  type Dim,
  DimExpr,
  type Module,
  openSize,
  symbolsOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';

const shapeOf = (value: Value): readonly Dim[] => (value.type.kind === 'tensor' ? value.type.shape : []);

function openSymbols(dims: readonly Dim[]): string[] {
  return dims.flatMap((dim) => (dim instanceof DimExpr ? [...symbolsOf(dim)] : []));
}

/** The dimensions that the inputs leave open. */
function inputSymbols(module: Module): Set<string> {
  return new Set(module.main.body.args.flatMap((arg) => openSymbols(shapeOf(arg))));
}

function refuse(
  value: Value,
  source: string,
  symbols: readonly string[],
  fromInputs: ReadonlySet<string>,
  isFixed: boolean,
): never {
  const open = symbols.filter((name) => fromInputs.has(name));
  const what = `the shape [${(value.type as TensorType).shape.join(', ')}] is not known`;
  if (open.length > 0) {
    throw new QcError({
      what,
      where: source,
      why: `the inputs leave ${open.length > 1 ? 'dimensions' : 'the dimension'} ${open.join(', ')} open, and ${isFixed ? `${refusedOnDevices.openSizes.why} on this target` : 'programs are planned for sizes or bounds'}`,
      help: `give ${isFixed ? 'a size' : 'a size or bounds'}: ${open.map((name) => `--dim ${name}=128${isFixed ? '' : ` or --dim ${name}=1..128`}`).join(', ')}`,
    });
  }
  throw new QcError({
    what,
    where: source,
    why: `${symbols.join(', ')} depends on data, the numbers in the inputs, and programs have fixed sizes`,
    help: 'run the model in the interpreter, or export it with fixed sizes',
  });
}

export const requireStatic = definePass({
  name: 'require-static',
  summary: 'Refuses a model in which a size has no bound: programs are planned for it.',
  phase: 'schedule',
  preserves: 'bits',
  run(module, _, context) {
    const fromInputs = inputSymbols(module);
    const isFixed = (context.target as Target | undefined)?.family === 'simt';
    const growing = module.states.find(({ append }) => append);
    if (isFixed && growing) {
      const { why, help } = refusedOnDevices.growingStates;
      throw new QcError({ what: `the state '${growing.input}' grows`, where: growing.output, why, help });
    }
    const isBounded = (name: string) =>
      !isFixed && fromInputs.has(name) && (module.symbols.get(name)?.max ?? openSize) < openSize;
    const check = (value: Value, source: string): void => {
      const symbols = [...new Set(openSymbols(shapeOf(value)))].filter((name) => !isBounded(name));
      if (symbols.length > 0) refuse(value, source, symbols, fromInputs, isFixed);
    };
    for (const arg of module.main.body.args) check(arg, arg.name ?? 'input');
    for (const op of module.main.body.ops()) {
      for (const result of op.results) check(result, op.source);
    }
  },
});
