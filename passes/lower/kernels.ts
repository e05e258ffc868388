import { grid, isPacking, KernelBuilder, launch } from '../../dialects/kernel/index.ts';
import { append } from '../../dialects/nn/append.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { isHalf } from '../../dialects/nn/halves.ts';
import { relayout } from '../../dialects/nn/relayout.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { storedAttention } from '../../dialects/quant/attention.ts';
import { borderOf } from '../../dialects/quant/border.ts';
import {
  buildWide,
  clusterOf,
  elementAdvice,
  fingerprint,
  isAlias,
  isChoice,
  type KernelContext,
  kernelElements,
  planKernel,
  storedElement,
  widening,
  wideType,
} from '../../kernels/index.ts';
import {
  boundsOf,
  type Module,
  type Op,
  Rewriter,
  type ScalarType,
  storageOf,
  symbol,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { type Schedules, scheduledFor, type Target } from '../../src/target/index.ts';
import { refusingSymbols } from '../symbolicShapes.ts';
import { programSymbols } from './bounds.ts';

export const lowerKernels = definePass({
  name: 'lower-kernels',
  summary: 'Makes a kernel of every op, or cluster of fused ops, and launches it; equal kernels are made once.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    const target = context.target as Target | undefined;
    const schedules = context.schedules as Schedules | undefined;
    if (!target) throw new QcError({ what: 'lower-kernels needs a target', help: 'compile with --target' });
    copyReturned(module);
    copyStates(module);
    const kernels = new Kernels(module, programSymbols(module));
    const rewriter = new Rewriter();
    for (const op of [...module.main.body.ops()]) {
      if (constant.is(op) || returnOp.is(op) || isAlias(op)) continue;
      for (const one of [op, ...op.regions.flatMap((region) => [...region.ops()])]) refuseHalves(one, op.source);
      refusingSymbols(op, () =>
        lower(op, kernels, { target: scheduledFor(target, op.source, schedules), rewriter, symbols: module.symbols }),
      );
    }
  },
});

/** A returned value that is an input, a constant, or returned before gets a copy of its own. */
function copyReturned(module: Module): void {
  const { body } = module.main;
  const end = body.last;
  if (!end) return;
  const rewriter = new Rewriter().before(end);
  const grown = module.states.flatMap(({ output, append }) =>
    append ? [module.main.resultNames.indexOf(output)] : [],
  );
  const seen = new Set(grown.map((i) => aliasRoot(end.operand(i))));
  end.operands.forEach((operand, i) => {
    if (!operand || grown.includes(i)) return;
    const root = aliasRoot(operand);
    if (!seen.has(root) && root.op && !constant.is(root.op)) {
      seen.add(root);
      return;
    }
    const source = module.main.resultNames[i] ?? '';
    rewriter.setOperand(
      end,
      i,
      rewriter.create(relayout, { x: operand }, { copy: true }, { types: [operand.type], source }).result,
    );
  });
}

/**
 * The last ops write new states to their places: bufferize leaves out those copies that are not needed. What grows is
 * there already.
 */
function copyStates(module: Module): void {
  const { last } = module.main.body;
  if (!last) return;
  const rewriter = new Rewriter().before(last);
  for (const { output, append } of module.states) {
    if (append) continue;
    const i = module.main.resultNames.indexOf(output);
    const x = last.operand(i);
    const copy = rewriter.create(relayout, { x }, { copy: true }, { types: [x.type], source: output });
    rewriter.setOperand(last, i, copy.result);
  }
}

/** The value whose buffer `value` is. */
export function aliasRoot(value: Value): Value {
  return value.op && isAlias(value.op) ? aliasRoot(value.op.operand(0)) : value;
}

interface Tools {
  readonly target: Target;
  readonly rewriter: Rewriter;
  readonly symbols: Module['symbols'];
}

function lower(op: Op, kernels: Kernels, { target, rewriter, symbols }: Tools): void {
  rewriter.before(op);
  const cluster = clusterOf(op);
  const source = op.source;
  const context: KernelContext = {
    target,
    rewriter,
    codes: (packed, weights) => widened(packed, weights, op, kernels, { target, rewriter, symbols }) ?? packed,
    wide: (codes, features) => wide(codes, features, op, kernels, { target, rewriter, symbols }),
    input: (k, name, value) => k.buffer(name, checked(value, source), isWeight(value) ? 'weights' : 'input'),
    output: (k, value, name = 'y') => k.buffer(name, checked(value, source), 'output'),
    most: (name) => boundsOf(symbol(name), symbols).max,
  };
  const plan = planKernel(cluster, context);
  const name = borderOf(cluster.root) ?? `${cluster.root.name.replace(/^.*\./, '')}_${source}`;
  const [baseline, ...others] = plan.variants.map(({ feature, build, tile }) => {
    const k = new KernelBuilder(
      kernels.freshName(feature ? `${name}_${feature}` : name),
      source,
      target.family,
      kernels.symbols,
    );
    build(k);
    return { feature, tile, kernel: kernels.add(k) };
  });
  const variants = Object.fromEntries(others.map(({ feature, kernel }) => [feature ?? '', kernel]));
  const found = plan.finds === undefined ? [] : [tensor([1], 'i32')];
  const types = [...op.results.map((r) => r.type), ...(plan.scratch ?? []), ...found];
  const launched = rewriter.create(
    launch,
    { buffers: plan.operands },
    {
      kernel: baseline?.kernel ?? '',
      variants,
      multiply_adds: boundsOf(plan.multiplyAdds ?? 0, symbols).max,
      op: cluster.root.name,
      fused: cluster.rest.map((one) => `${one.name} ${one.source}`.trimEnd()),
      tiles: Object.fromEntries([baseline, ...others].flatMap((one) => (one?.tile ? [[one.kernel, one.tile]] : []))),
      in_place: plan.inPlace ?? [],
      ...kernels.gridOf(baseline?.kernel ?? ''),
      chooses: isChoice(cluster.root),
      finds: plan.finds ?? '',
    },
    { types },
  );
  rewriter.replace(op, launched.results.slice(0, op.results.length));
}

/** A kernel of its own, right before an op's, that makes one tensor of another. */
interface Helper {
  readonly name: string;
  /** What launches say that it computes. */
  readonly op: string;
  readonly from: Value;
  readonly space: 'weights' | 'input';
  readonly type: TensorType;
  readonly build: (k: KernelBuilder, from: Value, to: Value) => void;
  /** Features with which nothing is to do. */
  readonly idle?: readonly string[];
}

function launchHelper(
  { name, op, from, space, type, build, idle = [] }: Helper,
  { source }: Op,
  kernels: Kernels,
  { target, rewriter }: Tools,
): Value {
  const made = (kind: string, fill: Helper['build']): string => {
    const k = new KernelBuilder(kernels.freshName(`${kind}_${source}`), source, target.family, kernels.symbols);
    fill(k, k.buffer('x', checked(from, source), space), k.buffer('y', storageOf(type.element), 'output'));
    return kernels.add(k);
  };
  const kernel = made(name, build);
  const variants = Object.fromEntries(idle.map((feature) => [feature, made('idle', () => {})]));
  return rewriter.create(
    launch,
    { buffers: [from] },
    {
      kernel,
      variants,
      multiply_adds: 0,
      op,
      fused: [],
      tiles: {},
      in_place: [],
      ...kernels.gridOf(kernel),
      chooses: false,
    },
    { types: [type], source },
  ).results[0] as Value;
}

/** Packed codes as bytes, which a kernel makes of fewer bits; undefined where they are stored as bytes. */
function widened(packed: Value, weights: Value, op: Op, kernels: Kernels, tools: Tools): Value | undefined {
  const found = widening(packed, weights, tools.target, tools.rewriter);
  if (!found) return undefined;
  const { stored: from, type, build } = found;
  return launchHelper(
    { name: 'codes', op: 'kernel.widen_codes', from, space: 'weights', type, build },
    op,
    kernels,
    tools,
  );
}

/** 8-bit codes as 16 bits, on machines without any of `features`. */
function wide(codes: Value, features: readonly string[], op: Op, kernels: Kernels, tools: Tools): Value {
  const type = wideType(codes);
  const space = isWeight(codes) ? 'weights' : 'input';
  const build = (k: KernelBuilder, from: Value, to: Value) => buildWide(k, tools.target, type, from, to);
  return launchHelper(
    { name: 'wide', op: 'kernel.widen_codes', from: codes, space, type, build, idle: features },
    op,
    kernels,
    tools,
  );
}

/** Constants in any shape, and what will be folded from them. */
function isWeight(value: Value): boolean {
  const { op } = aliasRoot(value);
  return constant.is(op) || (op !== undefined && isPacking(op));
}

/** Only casts, moves and attention on caches take floats of 16 bits as they are. @throws QcError for other ops */
function refuseHalves(op: Op, source: string): void {
  if (
    cast.is(op) ||
    relayout.is(op) ||
    append.is(op) ||
    storedAttention.is(op) ||
    op.definition.typing === 'moves' ||
    op.definition.terminator
  )
    return;
  if (op.regions.length > 0) return;
  const half = [...op.operands, ...op.results]
    .map((v) => v && elementOf(v))
    .find((element) => element && isHalf(element));
  if (half) throw elementError(half, source);
}

const elementOf = ({ type }: Value): ScalarType | undefined =>
  type.kind === 'tensor' ? storageOf(type.element) : undefined;

/** The stored element of a value that a kernel reads or writes. @throws QcError for types that kernels don't know. */
function checked(value: Value, source: string): ScalarType {
  const element = storedElement(value);
  if (kernelElements.has(element)) return element;
  throw elementError(element, source);
}

function elementError(element: ScalarType, source: string): QcError {
  return new QcError({
    what: `programs cannot compute with elements of type ${element}`,
    where: source,
    ...elementAdvice(element),
  });
}

/** The kernels of a module, each body once. */
class Kernels {
  readonly #module: Module;
  /** What every kernel is told. */
  readonly symbols: readonly string[];
  readonly #byBody = new Map<string, string>();

  constructor(module: Module, symbols: readonly string[]) {
    this.#module = module;
    this.symbols = symbols;
  }

  /** An identifier made of `wanted` that no function has. */
  freshName(wanted: string): string {
    const base =
      wanted
        .replace(/[^A-Za-z0-9]+/g, '_')
        .replace(/^_+|_+$/g, '')
        .slice(0, 60) || 'kernel';
    let name = base;
    for (let i = 2; this.#module.functions.has(name); i++) name = `${base}_${i}`;
    return name;
  }

  /** The groups of invocations, and those of a group, that a kernel asks for, as an attribute; none where one runs it. */
  gridOf(name: string): { grid?: readonly number[] } {
    const first = this.#module.functions.get(name)?.body.first;
    if (!grid.is(first)) return {};
    const { workgroups, size } = grid.attributesOf(first);
    return { grid: [workgroups, size] };
  }

  /** Puts a kernel into the module, unless an equal one is there; gives the name under which it is known. */
  add(k: KernelBuilder): string {
    const func = k.end();
    const body = fingerprint(func);
    const known = this.#byBody.get(body);
    if (known) return known;
    this.#byBody.set(body, func.name);
    this.#module.addFunction(func);
    return func.name;
  }
}
