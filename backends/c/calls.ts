import * as structure from '../../dialects/kernel/structure.ts';
import type { Block, Module, Op, RefType, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { stringText } from '../clike/names.ts';
import type { KernelFunctions } from './kernelFunction.ts';
import type { Layout } from './layout.ts';
import { type CSignature, guard } from './signature.ts';
import { threadParameters } from './threads.ts';

/** The size that is an argument of @main behind the inputs and outputs. */
function sizeOfArgument(argument: number, { inputs, outputs, sizes }: CSignature): string {
  const size = sizes[argument - inputs.length - outputs.length];
  invariant(size, 'an argument of @main is no size');
  return size.identifier;
}

/** A planned program with the functions of its kernels. */
export interface Program {
  readonly module: Module;
  readonly signature: CSignature;
  readonly kernels: KernelFunctions;
  readonly layout: Layout;
  /** The place of each launch in the program. */
  readonly numbers: ReadonlyMap<Op, number>;
}

/** The calls of a block, those that depend on a flag in an if. */
export function callsOf(block: Block, program: Program, indent: string): string[] {
  return [...block.ops()].flatMap((op) => {
    if (structure.launch.is(op)) {
      return [callText(program, op, indent), traceText(program, op, indent), ...foundText(program, op, indent)];
    }
    if (!structure.when.is(op)) return [];
    return [whenText(program, op, indent), ...callsOf(op.regions[0] as Block, program, `${indent}  `), `${indent}}`];
  });
}

/** The beginning of an if for launches that a flag decides about. */
export function whenText(program: Program, op: Op, indent: string): string {
  const flag = pointerText(program, op.operand(0), 'const uint8_t *');
  const { holds } = structure.when.attributesOf(op as never);
  return `${indent}if (*${flag} ${holds ? '!=' : '=='} 0) {`;
}

export const traceText = ({ numbers }: Program, op: Op, indent: string): string =>
  `${indent}QC_TRACE(${numbers.get(op)}, ${stringText(op.source)})`;

/** What reads the size that a launch has found; one that is too large ends the run. */
function foundText(program: Program, op: Op, indent: string): string[] {
  const found = foundSize(program, op);
  if (!found) return [];
  return [found.read, ...found.refused].map((line) => `${indent}${line}`);
}

/** How a launch's size is read, if it finds one, and how one is refused that is too large. */
export function foundSize(
  program: Program,
  op: Op,
): { readonly read: string; readonly refused: readonly string[] } | undefined {
  const { name, sizes } = program.signature;
  const size = sizes.find((one) => one.name === structure.launch.attributesOf(op as never).finds);
  if (!size) return undefined;
  const from = pointerText(program, op.operands.at(-1) as Value, 'const int32_t *');
  const refused = guard(`${size.identifier} > ${size.max}`, `${name}_ERROR_SIZE`).map((line) => line.slice(2));
  return { read: `${size.identifier} = *${from};`, refused };
}

/** A buffer as a pointer: its place in the arena, the weights or the states, or a parameter. */
function pointerText({ module, signature, layout }: Program, value: Value, type: string): string {
  const port = module.main.body.args.indexOf(value);
  if (value.type.kind === 'scalar') return sizeOfArgument(port, signature);
  const staged = layout.staged.find(({ argument }) => argument === port);
  if (staged) return `(${type})(arena + ${staged.offset})`;
  if (port >= 0) return `(${type})${[...signature.inputs, ...signature.outputs][port]?.identifier}`;
  invariant(value.op && structure.buffer.is(value.op), 'a launch has an operand that is no buffer');
  const { space } = value.type as RefType;
  invariant(space === 'arena' || space === 'state' || type.startsWith('const '), `a kernel writes to ${space}`);
  return `(${type})(${space} + ${structure.buffer.attributesOf(value.op).offset})`;
}

/** The call of one kernel. */
export function callText(program: Program, op: Op, indent: string): string {
  const called = program.kernels.byLaunch.get(op);
  invariant(called, 'a launch without a function');
  const args = op.operands.map((_, i) => {
    const type = called.parameters[i]?.type.replace('restrict ', '') ?? '';
    return pointerText(program, op.operand(i), type.trim());
  });
  if (called.shares) args.push(...threadParameters);
  const short = `${indent}${called.name}(${args.join(', ')});`;
  return short.length <= 120 ? short : `${indent}${called.name}(\n${indent}    ${args.join(`,\n${indent}    `)});`;
}
