import { groupMatmul } from '../../../dialects/int/groupMatmul.ts';
import { buffer, launch, mma, signature, vector } from '../../../dialects/kernel/index.ts';
import { mostBytes } from '../../../passes/lower/bounds.ts';
import { type Func, type Module, type Op, type TensorType, type Value, walk } from '../../ir/index.ts';
import { boundOf, type IntrinsicName, type Roofline, rooflineFor, type Target } from '../../target/index.ts';

/** What one kernel launch of a program does and costs. */
export interface LaunchExplanation {
  /** The model's own name of the node. */
  readonly layer: string;
  /** The op whose work it is, such as `int.conv`. */
  readonly op: string;
  /** Further ops whose work the kernel does, `nn.add Add_6`. */
  readonly fused: readonly string[];
  /** Stored elements: what is read, in the order of the operands, and what is written. */
  readonly elements: string;
  /** The kernel function; several launches may share one. */
  readonly kernel: string;
  /** The instruction of the inner loop on the fastest path, where there is one. */
  readonly instruction?: string;
  /** Rows and outputs of the register tile on that path. */
  readonly tile?: readonly [number, number];
  readonly multiplyAdds: number;
  readonly weightBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Microseconds by the roofline of a machine, and the roof that it meets. */
  readonly predicted: number;
  readonly bound: 'arithmetic' | 'memory';
}

/** Explains the launches of a module that is planned for a target, in their order. */
export function explainLaunches(module: Module, target: Target): LaunchExplanation[] {
  const roofline = rooflineFor(target);
  const { main } = module;
  const tensors = argumentTypes(main.body.first);
  const bytesByValue = new Map(main.body.args.map((arg, i) => [arg, tensors[i] ? mostBytes(tensors[i], module) : 0]));
  const explained: LaunchExplanation[] = [];
  for (const op of walk(main.body)) {
    if (buffer.is(op)) bytesByValue.set(op.result, buffer.attributesOf(op).bytes);
    else if (launch.is(op))
      explained.push(explainLaunch(op, module, (value) => bytesByValue.get(value) ?? 0, roofline));
  }
  return explained;
}

function argumentTypes(first: Op | undefined): readonly TensorType[] {
  if (!signature.is(first)) return [];
  const { input_types, output_types } = signature.attributesOf(first);
  return [...(input_types as readonly TensorType[]), ...(output_types as readonly TensorType[])];
}

function explainLaunch(
  op: Op,
  module: Module,
  bytesOf: (value: Value) => number,
  roofline: Roofline,
): LaunchExplanation {
  const { kernel, variants, multiply_adds: multiplyAdds, op: root, fused, tiles } = launch.attributesOf(op);
  const faster = Object.values(variants as Readonly<Record<string, string>>).at(-1);
  const path = faster ?? kernel;
  const func = module.functions.get(path);
  const parameters = func?.body.args ?? [];
  const weightBytes = sum(op.operands, parameters, 'weights', bytesOf);
  const readBytes = sum(op.operands, parameters, 'input', bytesOf);
  const writtenBytes = sum(op.operands, parameters, 'output', bytesOf);
  const instruction = func && instructionOf(func, root);
  const roof = instruction ?? (faster ? 'fused_mul_add' : 'mul_add');
  const { seconds, by } = boundOf({ multiplyAdds, bytes: weightBytes + readBytes + writtenBytes }, roof, roofline);
  const tile = (tiles as Readonly<Record<string, readonly [number, number]>>)[path];
  return {
    layer: op.source,
    op: root,
    fused,
    elements: elementsText(parameters),
    kernel: path,
    ...(multiplyAdds > 0 ? { instruction: roof } : {}),
    ...(tile ? { tile } : {}),
    multiplyAdds,
    weightBytes,
    readBytes,
    writtenBytes,
    predicted: seconds * 1e6,
    bound: by,
  };
}

function sum(
  operands: Op['operands'],
  parameters: readonly Value[],
  space: string,
  bytesOf: (value: Value) => number,
): number {
  return operands.reduce((total, value, i) => {
    const type = parameters[i]?.type;
    return value && type?.kind === 'ref' && type.space === space ? total + bytesOf(value) : total;
  }, 0);
}

/** What a kernel multiplies by: an instruction, or tables; undefined when it adds products lane by lane, or none. */
function instructionOf(kernel: Func, root: string): IntrinsicName | 'mma_i8' | 'look_up' | undefined {
  let looksUp = false;
  for (const op of walk(kernel.body)) {
    if (mma.is(op)) return 'mma_i8';
    if (vector.dot.is(op)) return vector.dot.attributesOf(op).intrinsic as IntrinsicName;
    looksUp ||= root === groupMatmul.name && vector.swizzle.is(op);
  }
  return looksUp ? 'look_up' : undefined;
}

function elementsText(parameters: readonly Value[]): string {
  const refs = parameters.flatMap(({ type }) => (type.kind === 'ref' ? [type] : []));
  const names = (written: boolean) =>
    refs.filter(({ space }) => (space === 'output') === written).map(({ element }) => element);
  return `${names(false).join(' ')} → ${[...new Set(names(true))].join(' ')}`;
}
