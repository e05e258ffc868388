import { append } from '../../dialects/nn/append.ts';
import {
  type Append,
  bitsOf,
  type Dim,
  type Module,
  type Op,
  Rewriter,
  type State,
  storageOf,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { invariant, QcError } from '../../src/support/diagnostics.ts';
import { RowOps } from '../rowOps.ts';
import { type CacheFormat, cacheFormats } from './cacheCodes.ts';

/**
 * Caches of keys and values hold many rows that are written once and read again and again: each row (one token, one
 * head) becomes codes in groups with scales of their own when it is appended, and real numbers when it is read.
 */
export const storeCaches = definePass({
  name: 'store-caches',
  summary: 'Stores states that grow, and say so, as codes of 8 or 4 bits with scales for each new row.',
  phase: 'integer',
  preserves: { snr: 15 },
  run(module, _, context) {
    const stored = module.states.filter(({ append: grows }) => grows?.as !== undefined);
    for (const state of stored) store(module, state, state.append as Append);
    if (stored.length > 0) context.report(`stored ${stored.length} states as codes`);
  },
});

function store(module: Module, state: State, grows: Append): void {
  const { main } = module;
  const { input, output } = state;
  const past = main.body.args.find((arg, i) => (arg.name ?? `input${i}`) === input);
  const last = main.body.last as Op;
  const result = main.resultNames.indexOf(output);
  const { op } = last.operand(result);
  invariant(past && append.is(op) && op.operand(0) === past, 'a state that grows is appended to');
  const { as, ...plain } = grows;
  const at = module.states.indexOf(state);
  const pastType = past.type as TensorType;
  if (isCodes(pastType, as)) {
    module.states[at] = { input, output, append: plain };
    return;
  }
  const format = formatFor(pastType, grows, op.source || output);
  const readers = [...past.uses].filter((use) => use.op !== op);

  // append(past, x) ≈ decode(append(past codes, encode(x)))
  const ops = new RowOps(new Rewriter().before(op));
  const parts = format.encode(ops, op.operand(1));
  const codes = parts.map(({ suffix, value }) => {
    const { shape, element } = value.type as TensorType;
    const type = tensor(shape.with(plain.axis, pastType.shape[plain.axis] as Dim), element);
    if (suffix !== '') return main.body.addArgument(type, `${input}${suffix}`);
    past.type = type;
    return past;
  });
  const grown = parts.map(({ value }, i) => ops.append(codes[i] as Value, value, plain));
  const present = format.decode(ops, grown);
  if (readers.length > 0) {
    const decoded = format.decode(new RowOps(new Rewriter().atStart(main.body)), codes);
    for (const use of readers) use.op.setOperand(use.index, decoded);
  }
  ops.rewriter.replace(op, [present]);
  const states = parts.map(({ suffix }, i): State => {
    const place = suffix === '' ? result : main.resultNames.length;
    main.resultNames[place] = `${output}${suffix}`;
    main.resultTypes[place] = (grown[i] as Value).type;
    last.setOperand(place, grown[i]);
    return { input: `${input}${suffix}`, output: `${output}${suffix}`, append: plain };
  });
  module.states.splice(at, 1, ...states);
}

/** Whether a state has become codes of so many bits before, with the activations of its layer. */
function isCodes({ element }: TensorType, as: string | undefined): boolean {
  return typeof element !== 'string' && as === 'int8' && bitsOf(storageOf(element)) === 8;
}

/** @throws QcError for a state that cannot be stored so */
function formatFor({ key, shape, element }: TensorType, { axis, as }: Append, where: string): CacheFormat {
  const format = as && cacheFormats[as];
  const width = shape.at(-1);
  if (
    format &&
    element === 'f32' &&
    axis < shape.length - 1 &&
    typeof width === 'number' &&
    width % format.multiple === 0
  )
    return format;
  throw new QcError({
    what: `the state cannot be stored as ${as}`,
    where,
    why: `it is ${key}, and grows along axis ${axis}; codes stand for real numbers of a last axis of ${format?.multiple === 2 ? 'an even' : 'a known'} size`,
    help: 'leave as= out',
  });
}
