import { signatureOf } from '../../dialects/kernel/interpret.ts';
import * as structure from '../../dialects/kernel/structure.ts';
import { bytesOf, type Func, type Module, type Value, walk } from '../../src/ir/index.ts';
import { elementBytes } from '../../src/support/tensor.ts';
import { reachOf } from './reach.ts';
import { countOf, portsOf } from './signature.ts';
import { stateBytesOf } from './sizes.ts';
import { cTarget } from './target.ts';

/** Where a port lies while the program runs, because vectors reach behind its end, where the caller's memory may end. */
export interface StagedPort {
  /** Place among the arguments of @main. */
  readonly argument: number;
  readonly isInput: boolean;
  readonly identifier: string;
  readonly offset: number;
}

/** The memory of a context: values between layers, staged ports, states, and what vectors may read behind them. */
export interface Layout {
  readonly staged: readonly StagedPort[];
  readonly stateOffset: number;
  readonly totalBytes: number;
  /** Bytes that must follow the weights. */
  readonly slack: number;
}

const align = (bytes: number) => Math.ceil(bytes / 64) * 64;

export function layoutOf(module: Module): Layout {
  const planned = signatureOf(module);
  const { inputs, outputs } = portsOf(module);
  const over = portsReadBeyond(module);
  let end = planned.arena_bytes;
  const staged = [...inputs, ...outputs].flatMap((port, argument): StagedPort[] => {
    if (!over.has(module.main.body.args[argument] as Value)) return [];
    const offset = align(end);
    const bytes = countOf(port) * elementBytes(port.dtype);
    end = offset + bytes;
    return [{ argument, isInput: argument < inputs.length, identifier: port.identifier, offset }];
  });
  const stateBytes = stateBytesOf(module);
  const stateOffset = stateBytes > 0 || staged.length > 0 ? align(end) : end;
  const slack = usesVectors(module) ? cTarget.slack : 0;
  const held = stateOffset + stateBytes;
  return { staged, stateOffset, totalBytes: held > 0 ? held + slack : 0, slack };
}

const kernelsOf = (module: Module): Func[] => [...module.functions.values()].filter((func) => func !== module.main);

const usesVectors = (module: Module): boolean =>
  kernelsOf(module).some((func) =>
    [...walk(func.body)].some((op) => op.results.some(({ type }) => type.kind === 'vec')),
  );

/** Arguments of @main of which a kernel may read more than there is. */
function portsReadBeyond(module: Module): Set<Value> {
  const { inputs, outputs } = portsOf(module);
  const ports = [...inputs, ...outputs];
  // of what a run decides the length, the caller's memory may end anywhere
  const bytesOfPort = new Map(
    ports.map((port, i) => [module.main.body.args[i], port.sizes ? 0 : countOf(port) * elementBytes(port.dtype)]),
  );
  const reaches = new Map<string, readonly number[]>();
  const reachesOf = (kernel: string): readonly number[] => {
    const known = reaches.get(kernel);
    if (known) return known;
    const func = module.functions.get(kernel) as Func;
    const reach = reachOf(func);
    const bytes = func.body.args.map((arg) =>
      arg.type.kind === 'ref' ? (reach.get(arg) ?? 0) * bytesOf(arg.type.element) : 0,
    );
    reaches.set(kernel, bytes);
    return bytes;
  };
  const beyond = new Set<Value>();
  for (const op of walk(module.main.body)) {
    if (!structure.launch.is(op)) continue;
    const { kernel, variants } = structure.launch.attributesOf(op);
    for (const name of [kernel, ...Object.values(variants as Readonly<Record<string, string>>)]) {
      reachesOf(name).forEach((bytes, i) => {
        if (bytes > (bytesOfPort.get(op.operand(i)) ?? Infinity)) beyond.add(op.operand(i));
      });
    }
  }
  return beyond;
}
