import type { RefType } from '../../src/ir/index.ts';
import { BodyPrinter, gridNames } from '../clike/body.ts';
import { type EntryPoint, entryPoints } from '../clike/entryPoints.ts';
import { commentText, Names } from '../clike/names.ts';
import type { SimtLaunch } from '../clike/simtProgram.ts';
import { type BufferSpaces, type WgslSupport, wgslLanguage } from './language.ts';

const reserved = (
  'alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let ' +
  'loop override requires return struct switch true var while array atomic bool f16 f32 i32 u32 vec2 vec3 vec4 mat ptr ' +
  'select min max abs clamp floor ceil round sqrt fma dot bitcast extractBits workgroupBarrier dot4 min_f32 max_f32 ' +
  'unusual saturate_i32 saturate_u32 weights memory places group index local workgroup target sampler texture common ' +
  'compile module move import export final from get macro mod new null of operator package public self set shared ' +
  'static std super template this type typedef union unless use using virtual volatile where with yield'
).split(' ');

/** The kernels that are launched, as entry points of one module. */
export function printKernels(launches: readonly SimtLaunch[], support: WgslSupport) {
  const names = new Names(reserved);
  return entryPoints(launches, names, (launch) => bodyText(launch, support, names));
}

/** What follows `fn NAME`. */
function bodyText({ kernel, workgroups, size }: SimtLaunch, support: WgslSupport, module: Names): string[] {
  const names = new Names(reserved);
  const { args } = kernel.body;
  const buffers = new Map(args.map((arg, i) => [arg, names.unique(arg.name ?? `buffer${i}`)]));
  const spaces: BufferSpaces = new Map(
    args.map((arg) => [buffers.get(arg) as string, (arg.type as RefType).space === 'weights' ? 'weights' : 'memory']),
  );
  const language = wgslLanguage(support, spaces);
  const printer = new BodyPrinter(language, names, buffers, { outer: module });
  printer.print(kernel.body);
  const { lines } = printer;
  const words = new Set(lines.flatMap((line) => line.match(/[A-Za-z_]\w*/g) ?? []));
  const [workgroup, local] = gridNames;
  // one axis of a dispatch holds 65535 groups
  const number = workgroups > 65535 ? 'i32(group.x + 65535u * group.y)' : 'i32(group.x)';
  const heads = [
    ...(words.has(workgroup) || workgroups > 65535 ? [`  let ${workgroup} = ${number};`] : []),
    ...(workgroups > 65535 ? [`  if (${workgroup} >= ${workgroups}) {`, '    return;', '  }'] : []),
    ...(words.has(local) ? [`  let ${local} = i32(index);`] : []),
    ...args.flatMap((arg, i) => {
      const name = buffers.get(arg) as string;
      return words.has(name) ? [`  let ${name} = i32(places[${i >> 2}].${'xyzw'[i & 3]});`] : [];
    }),
  ];
  const parameters = '@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32';
  const tiles = printer.shared.map(({ name, element, count }) => {
    return `var<workgroup> ${name}: array<${language.type(element)}, ${count}>;`;
  });
  return [[...tiles, `@compute @workgroup_size(${size})`].join('\n'), `(${parameters}) {`, ...heads, ...lines, '}'];
}

/** An entry point with a comment that names its layers. */
export function entryText({ name, text: [attribute, signature, ...body], layers }: EntryPoint): string[] {
  const comments = [...layers].map((layer) => `// ${commentText(layer)}`);
  return [...comments, attribute as string, `fn ${name}${signature}`, ...body, ''];
}
