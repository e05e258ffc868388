import type { RefType, Value } from '../../src/ir/index.ts';
import type { CSupport } from '../c/language.ts';
import { cStorageType, cType } from '../c/types.ts';
import { BodyPrinter, gridNames } from '../clike/body.ts';
import { type EntryPoint, entryPoints } from '../clike/entryPoints.ts';
import { commentText, Names } from '../clike/names.ts';
import type { SimtLaunch } from '../clike/simtProgram.ts';
import { cudaLanguage } from './language.ts';

const reserved = (
  'alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char class compl concept const ' +
  'const_cast constexpr continue decltype default delete do double dynamic_cast else enum errno explicit export extern ' +
  'false float for friend goto if inline int linux long main memcpy memcmp mutable namespace new noexcept not not_eq ' +
  'nullptr operator or or_eq private protected public register reinterpret_cast requires return short signed sizeof ' +
  'static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename ' +
  'union unix unsigned using virtual void volatile wchar_t while xor xor_eq restrict INFINITY NAN NULL EOF min max ' +
  'threadIdx blockIdx blockDim gridDim warpSize workgroup local weights memory stream model status'
).split(' ');

/** The kernels that are launched. */
export function printKernels(launches: readonly SimtLaunch[], support: CSupport) {
  return entryPoints(launches, new Names(reserved), (launch) => kernelText(launch, support));
}

/** Whether a buffer lies among the weights, where nothing is ever written. */
export const isWeights = (arg: Value): boolean => (arg.type as RefType).space === 'weights';

/** The type of a pointer to a buffer's elements. */
export function pointerType(arg: Value): string {
  const { element, space } = arg.type as RefType;
  return `${space === 'output' ? '' : 'const '}${cStorageType(element)} *`;
}

/** What stands before and behind the name of a kernel. */
function kernelText({ kernel, size }: SimtLaunch, support: CSupport): string[] {
  const names = new Names(reserved);
  const { args } = kernel.body;
  const buffers = new Map(args.map((arg, i) => [arg, names.unique(arg.name ?? `buffer${i}`)]));
  const printer = new BodyPrinter(cudaLanguage(support), names, buffers);
  printer.print(kernel.body);
  const { lines } = printer;
  const words = new Set(lines.flatMap((line) => line.match(/[A-Za-z_]\w*/g) ?? []));
  const [workgroup, local] = gridNames;
  const tiles = printer.shared.map(({ name, element, count }) => `  __shared__ ${cType(element)} ${name}[${count}];`);
  const heads = [
    ...(words.has(workgroup) ? [`  const int32_t ${workgroup} = (int32_t)blockIdx.x;`] : []),
    ...(words.has(local) ? [`  const int32_t ${local} = (int32_t)threadIdx.x;`] : []),
  ];
  const parameters = args
    .map((arg) => `${pointerType(arg)}${isWeights(arg) ? '__restrict__ ' : ''}${buffers.get(arg)}`)
    .join(', ');
  return [
    `static __global__ void __launch_bounds__(${size})`,
    `(${parameters})`,
    '{',
    ...tiles,
    ...heads,
    ...lines,
    '}',
  ];
}

/** A kernel with a comment that names its layers. */
export function kernelLines({ name, text: [head, parameters, ...body], layers }: EntryPoint): string[] {
  const comments = [...layers].map((layer) => `// ${commentText(layer)}`);
  return [...comments, `${head} ${name}${parameters}`, ...body, ''];
}
