import * as memory from '../../dialects/kernel/memory.ts';
import * as structure from '../../dialects/kernel/structure.ts';
import * as vector from '../../dialects/kernel/vector.ts';
import { isBorderFunction } from '../../dialects/quant/border.ts';
import { type Func, type Module, type Op, type RefType, type Value, walk } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { BodyPrinter } from '../clike/body.ts';
import { commentText, identifier, Names } from '../clike/names.ts';
import { armDspWords } from './armDsp.ts';
import { holds } from './guard.ts';
import { type CSupport, cLanguage } from './language.ts';
import { threadParameters } from './threads.ts';
import { cStorageType, cType } from './types.ts';
import { baseline, type Level, levels } from './vector/levels.ts';
import { vectorLanguage } from './vector/printer.ts';

/** One static function of the generated file, which may serve several layers. */
export interface KernelFunction {
  readonly name: string;
  readonly parameters: readonly KernelParameter[];
  /** The body for each level that has one of its own, the best first; the baseline's is last. */
  readonly bodies: readonly LevelBody[];
  /** Whether several threads run it, each its part; it is told which of how many. */
  readonly shares: boolean;
  /** Names of the model's layers. */
  readonly layers: Set<string>;
}

interface LevelBody {
  /** The macro that chooses it. */
  readonly when: string;
  readonly lines: readonly string[];
}

export interface KernelParameter {
  readonly name: string;
  /** With the star, or a space: `const float *`. */
  readonly type: string;
}

/** The kernels of a program: functions in the order of their first launch, and the function of each launch. */
export interface KernelFunctions {
  readonly functions: readonly KernelFunction[];
  readonly byLaunch: ReadonlyMap<Op, KernelFunction>;
}

const keywords = (
  'auto break case char const continue default do double else enum extern float for goto if inline int long register ' +
  'restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false ' +
  'memcpy memcmp sqrtf sqrt main NAN INFINITY and or xor not asm qc_thread qc_threads'
).split(' ');

/** Prints every kernel that @main launches; kernels with the same text become one function. */
export function printKernels(module: Module, support: CSupport): KernelFunctions {
  const launches = [...walk(module.main.body)].filter((op) => structure.launch.is(op));
  const disjoint = kernelsWithDisjointBuffers(launches);
  const names = new Names(keywords);
  const byText = new Map<string, KernelFunction>();
  const byKernel = new Map<string, KernelFunction>();
  const byLaunch = new Map<Op, KernelFunction>();
  for (const op of launches) {
    const { kernel } = structure.launch.attributesOf(op);
    let known = byKernel.get(kernel);
    if (!known) {
      const printed = printKernel(module, op, support, disjoint.has(kernel));
      const text = JSON.stringify(printed);
      known = byText.get(text) ?? {
        ...printed,
        name: names.unique(isBorderFunction(kernel) ? kernel : `layer_${op.source || kernel}`),
        layers: new Set(),
      };
      byText.set(text, known);
      byKernel.set(kernel, known);
    }
    known.layers.add(op.source || kernel);
    byLaunch.set(op, known);
  }
  return { functions: [...byText.values()], byLaunch };
}

/** The definition of a kernel's function, with a comment that names the layers. */
export function functionText(f: KernelFunction): string[] {
  const told = f.shares ? threadParameters.map((name) => `int32_t ${name}`) : [];
  const parameters = [...f.parameters.map(({ type, name }) => `${type}${name}`), ...told].join(', ');
  return [
    ...[...f.layers].map((layer) => `/* ${commentText(layer)} */`),
    `QC_NOINLINE static void ${f.name}(${parameters || 'void'})`,
    '{',
    ...bodyText(f.bodies),
    '}',
    '',
  ];
}

function bodyText(bodies: readonly LevelBody[]): readonly string[] {
  if (bodies.length === 1) return bodies[0]?.lines ?? [];
  return [
    ...bodies.flatMap(({ when, lines }, i) => [
      i === 0 ? `#if ${when}` : i < bodies.length - 1 ? `#elif ${when}` : '#else',
      ...lines,
    ]),
    '#endif',
  ];
}

/** The function of a launch: the versions of its kernel have the same parameters. */
function printKernel(
  module: Module,
  op: Op,
  support: CSupport,
  disjoint: boolean,
): Pick<KernelFunction, 'parameters' | 'bodies' | 'shares'> {
  const { kernel, variants } = structure.launch.attributesOf(op);
  const kernelOf = (name: string): Func => {
    const func = module.functions.get(name);
    invariant(func, `there is no kernel @${name}`);
    return func;
  };
  const func = kernelOf(kernel);
  const named = variants as Readonly<Record<string, string | undefined>>;
  const parameters = parametersOf(func, disjoint);
  const { machine } = support;
  const known = [...levels, baseline].flatMap((level) => {
    const version = level.feature === undefined ? func : named[level.feature];
    const body = typeof version === 'string' ? kernelOf(version) : version;
    return body ? [{ level, body, when: whenOf(level, func) }] : [];
  });
  // for one processor, the best that it has
  const printed = machine ? known.filter(({ when }) => holds(when, machine)).slice(0, 1) : known;
  const shares = printed.some(({ body }) => sharesLoops(body));
  const bodies = printed.map(({ level, body, when }) => {
    const lines = bodyOf(body, support, parameters, level);
    return { when, lines: shares && !sharesLoops(body) ? [...firstAlone, ...lines] : lines };
  });
  return { parameters, bodies, shares };
}

const sharesLoops = (func: Func): boolean => [...walk(func.body)].some((op) => structure.share.is(op));

/** The beginning of a body that shares no loop, where another version of the kernel does. */
const firstAlone = ['  (void)qc_threads;', '  if (qc_thread != 0) {', '    return;', '  }'];

function parametersOf(func: Func, disjoint: boolean): KernelParameter[] {
  const names = new Names(keywords);
  const written = new Set<Value>();
  for (const op of walk(func.body)) if (memory.store.is(op)) written.add(op.operand(1));
  return func.body.args.map((arg, i) => {
    if (arg.type.kind === 'scalar') {
      return { name: names.unique(identifier(arg.name ?? `size${i}`)), type: `${cType(arg.type.element)} ` };
    }
    const { element } = arg.type as RefType;
    const star = disjoint ? '*restrict ' : '*';
    return {
      name: names.unique(arg.name ?? `buffer${i}`),
      type: `${written.has(arg) ? '' : 'const '}${cStorageType(element)} ${star}`,
    };
  });
}

/** Kernels of a target without vectors join scalars: they are printed lane by lane. */
function gathersScalars(func: Func): boolean {
  return [...walk(func.body)].some((op) => vector.concat.is(op) && op.operand(0).type.kind !== 'vec');
}

/** Products in general registers are for machines without vectors, and for kernels without. */
function whenOf({ feature, when }: Level, plain: Func): string {
  return feature !== 'arm-dsp' || gathersScalars(plain) ? when : `${when} && !QC_VECTORS`;
}

function bodyOf(func: Func, support: CSupport, parameters: readonly KernelParameter[], level: Level): string[] {
  const nameOf = (i: number) => parameters[i]?.name as string;
  const names = new Names([...keywords, ...parameters.map(({ name }) => name)]);
  const buffers = new Map(func.body.args.map((arg, i) => [arg, nameOf(i)]));
  const vectors = gathersScalars(func) ? {} : { vectors: vectorLanguage(support, level) };
  const language = cLanguage(support, level.feature === 'arm-dsp' ? armDspWords(support) : undefined);
  const printer = new BodyPrinter(language, names, buffers, vectors);
  printer.print(func.body);
  const unused = func.body.args.flatMap((arg, i) => (arg.uses.size === 0 ? [`  (void)${nameOf(i)};`] : []));
  return [...unused, ...printer.lines];
}

/** Kernels none of whose launches is given buffers that overlap, so that pointers may be `restrict`. */
function kernelsWithDisjointBuffers(launches: readonly Op[]): Set<string> {
  const kernelOf = (op: Op) => structure.launch.attributesOf(op).kernel;
  const disjoint = new Set(launches.map(kernelOf));
  for (const op of launches) if (!areDisjoint(op.operands as readonly Value[])) disjoint.delete(kernelOf(op));
  return disjoint;
}

function areDisjoint(buffers: readonly Value[]): boolean {
  return buffers.every((a, i) => buffers.slice(i + 1).every((b) => !overlap(a, b)));
}

function overlap(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [opA, opB] = [a.op, b.op];
  if (!structure.buffer.is(opA) || !structure.buffer.is(opB)) return false;
  if ((a.type as RefType).space !== (b.type as RefType).space) return false;
  const [x, y] = [structure.buffer.attributesOf(opA), structure.buffer.attributesOf(opB)];
  return x.offset < y.offset + y.bytes && y.offset < x.offset + x.bytes;
}
