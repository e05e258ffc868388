import * as memory from '../../dialects/kernel/memory.ts';
import * as structure from '../../dialects/kernel/structure.ts';
import { isBorderFunction } from '../../dialects/quant/border.ts';
import { type Func, type Module, type Op, type RefType, type Value, walk } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { BodyPrinter } from '../clike/body.ts';
import { commentText, Names } from '../clike/names.ts';
import { type CSupport, cLanguage } from './language.ts';
import { cStorageType } from './types.ts';

/** One static function of the generated file, which may serve several layers. */
export interface KernelFunction {
  readonly name: string;
  readonly parameters: readonly KernelParameter[];
  readonly body: readonly string[];
  /** Names of the model's layers. */
  readonly layers: Set<string>;
}

export interface KernelParameter {
  readonly name: string;
  /** With the star: `const float *`. */
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
  'memcpy memcmp sqrtf sqrt main NAN INFINITY and or xor not asm'
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
      const func = module.functions.get(kernel);
      invariant(func, `there is no kernel @${kernel}`);
      const printed = printKernel(func, support, disjoint.has(kernel));
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
  const parameters = f.parameters.map(({ type, name }) => `${type}${name}`).join(', ');
  return [
    ...[...f.layers].map((layer) => `/* ${commentText(layer)} */`),
    `QC_NOINLINE static void ${f.name}(${parameters || 'void'})`,
    '{',
    ...f.body,
    '}',
    '',
  ];
}

function printKernel(func: Func, support: CSupport, disjoint: boolean): Pick<KernelFunction, 'parameters' | 'body'> {
  const names = new Names(keywords);
  const written = new Set<Value>();
  for (const op of walk(func.body)) if (memory.store.is(op)) written.add(op.operand(1));
  const buffers = new Map(func.body.args.map((arg, i) => [arg, names.unique(arg.name ?? `buffer${i}`)]));
  const parameters = func.body.args.map((arg) => {
    const { element } = arg.type as RefType;
    const star = disjoint ? '*restrict ' : '*';
    return {
      name: buffers.get(arg) as string,
      type: `${written.has(arg) ? '' : 'const '}${cStorageType(element)} ${star}`,
    };
  });
  const printer = new BodyPrinter(cLanguage(support), names, buffers);
  printer.print(func.body);
  const unused = func.body.args.filter((arg) => arg.uses.size === 0).map((arg) => `  (void)${buffers.get(arg)};`);
  return { parameters, body: [...unused, ...printer.lines] };
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
