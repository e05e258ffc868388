import { inputFunction, outputFunction } from '../../dialects/quant/border.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import {
  attr,
  isFloat,
  type Module,
  type Op,
  Rewriter,
  type State,
  storageOf,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** Float remains in functions of its own at inputs and outputs, or nowhere. */
export const integerBorder = definePass({
  name: 'integer-border',
  summary:
    'Parts the casts at inputs and outputs from all else, or leaves them to the caller; any other float is refused.',
  phase: 'integer',
  options: {
    /** `int`: inputs and outputs are codes. */
    border: attr.oneOf(['float', 'int'], 'float'),
  },
  preserves: 'bits',
  run(module, { border }) {
    const rewriter = new Rewriter();
    const casts = borderCasts(module);
    const unlike = border === 'int' ? module.states.find((state) => !comesBackAsItWent(module, state)) : undefined;
    if (unlike) throw keepsReals(unlike.input);
    for (const op of module.main.body.ops()) if (!casts.has(op) && touchesFloat(op)) throw refused(op);
    for (const [op, name] of casts) {
      if (border === 'float') rewriter.setAttributes(op, { border: name });
      else if (qcast.is(op)) takeCodes(rewriter, op);
      else giveCodes(module, rewriter, op);
    }
  },
});

/** The casts of inputs and to outputs, and the names of their functions. */
function borderCasts({ main }: Module): Map<Op, string> {
  const casts = new Map<Op, string>();
  for (const arg of main.body.args) {
    for (const user of arg.users) if (qcast.is(user)) casts.set(user, inputFunction(arg.name ?? ''));
  }
  main.body.last?.operands.forEach((value, i) => {
    const op = value?.op;
    if (dcast.is(op) && [...op.result.users].every((user) => user === main.body.last)) {
      casts.set(op, outputFunction(main.resultNames[i] ?? ''));
    }
  });
  return casts;
}

/** Whether the codes of a state have one type where they are written and where they are read. */
function comesBackAsItWent({ main }: Module, { input, output }: State): boolean {
  const result = main.body.last?.operand(main.resultNames.indexOf(output));
  const arg = main.body.args.find(({ name }) => name === input);
  const written = dcast.is(result?.op) ? result.op.operand(0).type : undefined;
  return [...(arg?.users ?? [])].every((user) => qcast.is(user) && user.result.type === written);
}

function isFloatTensor(value: Value | undefined): boolean {
  return value?.type.kind === 'tensor' && isFloat(storageOf((value.type as TensorType).element));
}

function touchesFloat(op: Op): boolean {
  if (op.definition.terminator) return false;
  return [...op.operands, ...op.results].some(isFloatTensor);
}

/** What a program keeps between runs goes out at one scale and comes in at another. */
function keepsReals(state: string): QcError {
  return new QcError({
    what: 'the program keeps a state, and its inputs and outputs were to be codes',
    where: state,
    why: 'the codes of this state have one scale where it is written and another where it is read',
    help: 'leave --border int out, or --state',
  });
}

function refused(op: Op): QcError {
  return new QcError({
    what: `${op.name} has no integer form`,
    where: op.source,
    why: 'the scheme int8 computes everything between inputs and outputs in integers',
    help: 'compile with --scheme w8a8, in which such operations stay float',
  });
}

/** The input itself becomes codes. */
function takeCodes(rewriter: Rewriter, cast: Op): void {
  const arg = cast.operand(0);
  const { type } = cast.result;
  rewriter.replace(cast, [arg]);
  rewriter.retype(arg, type);
}

/** The output becomes codes. */
function giveCodes(module: Module, rewriter: Rewriter, cast: Op): void {
  const { main } = module;
  const codes = cast.operand(0);
  main.body.last?.operands.forEach((value, i) => {
    if (value === cast.result) main.resultTypes[i] = codes.type;
  });
  rewriter.replace(cast, [codes]);
}
