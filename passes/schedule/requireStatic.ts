import { refusedOnDevices } from '../../kernels/index.ts';
import {
  boundsOf,
  type Dim,
  DimExpr,
  type Module,
  type Op,
  openSize,
  symbolsOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Target } from '../../src/target/index.ts';
import { eraseUnusedFinders, foundSizes } from '../foundSizes.ts';

const shapeOf = (value: Value): readonly Dim[] => (value.type.kind === 'tensor' ? value.type.shape : []);

function openSymbols(dims: readonly Dim[]): string[] {
  return dims.flatMap((dim) => (dim instanceof DimExpr ? [...symbolsOf(dim)] : []));
}

/** The dimensions that the inputs leave open. */
function inputSymbols(module: Module): Set<string> {
  return new Set(module.main.body.args.flatMap((arg) => openSymbols(shapeOf(arg))));
}

interface Known {
  readonly fromInputs: ReadonlySet<string>;
  readonly found: ReadonlyMap<string, Op>;
  /** Whether programs of the target take no open sizes. */
  readonly isFixed: boolean;
}

function refuse(
  value: Value,
  source: string,
  symbols: readonly string[],
  { fromInputs, found, isFixed }: Known,
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
  const depends = `${symbols.join(', ')} depends on data, the numbers in the inputs, and programs`;
  if (!isFixed && symbols.every((name) => found.has(name))) {
    throw new QcError({
      what,
      where: source,
      why: `${depends} are planned for a most`,
      help: `give bounds: ${symbols.map((name) => `--dim ${name}=0..128`).join(', ')}`,
    });
  }
  throw new QcError({
    what,
    where: source,
    why: `${depends} have fixed sizes${isFixed ? ' on this target' : ' here'}`,
    help: 'run the model in the interpreter, or export it with fixed sizes',
  });
}

/** Bounds what ops find by what the sizes of their operands allow. */
function boundFound({ symbols }: Module, found: ReadonlyMap<string, Op>): void {
  for (const [name, op] of found) {
    const [most] = (op.attributes.most ?? []) as readonly Dim[];
    const { min = 0, max = openSize } = symbols.get(name) ?? {};
    if (most !== undefined) symbols.set(name, { min, max: Math.min(max, boundsOf(most, symbols).max) });
  }
}

export const requireStatic = definePass({
  name: 'require-static',
  summary:
    'Bounds the sizes that data decide, and refuses a model in which a size has no bound: programs are planned for it.',
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
    eraseUnusedFinders(module);
    const found = foundSizes(module);
    boundFound(module, found);
    const isBounded = (name: string) =>
      !isFixed && (fromInputs.has(name) || found.has(name)) && (module.symbols.get(name)?.max ?? openSize) < openSize;
    const check = (value: Value, source: string): void => {
      const symbols = [...new Set(openSymbols(shapeOf(value)))].filter((name) => !isBounded(name));
      if (symbols.length > 0) refuse(value, source, symbols, { fromInputs, found, isFixed });
    };
    for (const arg of module.main.body.args) check(arg, arg.name ?? 'input');
    for (const op of module.main.body.ops()) {
      for (const result of op.results) check(result, op.source);
    }
  },
});
