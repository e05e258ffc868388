import { buffer, launch, signature } from '../../dialects/kernel/index.ts';
import { runKernel } from '../../dialects/kernel/interpret.ts';
import {
  type Func,
  type Module,
  type Op,
  type RefType,
  storedBytes,
  type TensorType,
  type Value,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { bytesOfTensor, elementBytes, type HostTensor, viewBytes } from '../../src/support/tensor.ts';
import { intrinsics } from '../../src/target/index.ts';
import { generator } from '../../src/text/index.ts';
import { PlannedProgram, type Port } from '../c/program.ts';

/** One launch of a planned module as a program of its own, and what the interpreter says it gives. */
export interface KernelAlone {
  readonly layer: string;
  readonly program: Module;
  readonly inputs: readonly HostTensor[];
  readonly expected: readonly HostTensor[];
}

/** The first and the last `count` launches of a planned module, on seeded codes and on the model's own `samples`. */
export function firstAndLast(
  module: Module,
  count: number,
  samples: Readonly<Record<string, HostTensor>>,
  slack: number,
): KernelAlone[] {
  const launches = [...module.main.body.ops()].filter((op) => launch.is(op));
  const ends = [...new Set([...launches.slice(0, count), ...launches.slice(-count)])];
  return ends.map((op, i) => alone(module, op, i, samples, slack));
}

interface Operand {
  readonly port: Port & { readonly element: Exclude<RefType['element'], 'index'> };
  readonly space: RefType['space'];
  readonly data: Uint8Array;
}

function alone(
  module: Module,
  op: Op,
  seed: number,
  samples: Readonly<Record<string, HostTensor>>,
  slack: number,
): KernelAlone {
  const { kernel: name, variants } = launch.attributesOf(op);
  const kernel = module.functions.get(name) as Func;
  const next = generator(seed + 1);
  const operands = op.operands.map((_, i) => operandOf(module, op, i, kernel, samples, next));
  const given = operands.filter(({ space }) => space !== 'weights' && space !== 'output');
  const written = operands.filter(({ space }) => space === 'output');
  const planned = new PlannedProgram(
    given.map(({ port }) => port),
    written.map(({ port }) => port),
  );
  const places = operands.map((one) => {
    if (one.space === 'weights') return planned.weights(one.data);
    return one.space === 'output' ? planned.outputs[written.indexOf(one)] : planned.inputs[given.indexOf(one)];
  });
  for (const used of [name, ...Object.values(variants as Record<string, string>)]) {
    planned.module.functions.set(used, module.functions.get(used) as Func);
  }
  planned.launch(kernel, places as Parameters<typeof planned.launch>[1], op.source, { variants });
  const buffers = operands.map(({ data }) => data.slice());
  runKernel(kernel, buffers, { intrinsics, slack });
  const tensorOf = ({ port }: Operand, bytes: Uint8Array): HostTensor => {
    const { element: dtype, shape } = port;
    return { dtype, shape: [...shape], data: viewBytes(dtype, bytes) };
  };
  return {
    layer: op.source,
    program: planned.finish(),
    inputs: given.map((one) => tensorOf(one, one.data)),
    expected: written.map((one) => tensorOf(one, buffers[operands.indexOf(one)] as Uint8Array)),
  };
}

/** What a launch gives its kernel: the model's weights and inputs, seeded codes, and zeros to write on. */
function operandOf(
  module: Module,
  op: Op,
  index: number,
  kernel: Func,
  samples: Readonly<Record<string, HostTensor>>,
  next: () => number,
): Operand {
  const value = op.operand(index);
  const { element, space } = (kernel.body.args[index] as Value).type as RefType;
  invariant(element !== 'index', 'buffers hold no indices');
  const portAt = (bytes: number) => ({ name: `x${index}`, element, shape: [bytes / elementBytes(element)] });
  if (buffer.is(value.op)) {
    const { offset, bytes } = buffer.attributesOf(value.op);
    if (space === 'weights') {
      const data = module.facts
        .get('weights')
        ?.bytes()
        .slice(offset, offset + bytes) as Uint8Array;
      return { port: portAt(bytes), space, data };
    }
    return {
      port: portAt(bytes),
      space,
      data: space === 'output' ? new Uint8Array(bytes) : codes(bytes, element, next),
    };
  }
  const declared = signature.attributesOf(module.main.body.first as Op);
  const types = [declared.input_types, declared.output_types].flat() as TensorType[];
  const at = module.main.body.args.indexOf(value);
  const bytes = storedBytes(types[at] as TensorType);
  if (space === 'output') return { port: portAt(bytes), space, data: new Uint8Array(bytes) };
  const sample = samples[declared.input_names[at] as string];
  const isSampled = sample !== undefined && sample.dtype === element;
  return { port: portAt(bytes), space, data: isSampled ? bytesOfTensor(sample).slice() : codes(bytes, element, next) };
}

/** Any codes of 8 bits, small numbers of other types: sums of them stay within what the range proof says of real ones. */
function codes(bytes: number, element: string, next: () => number): Uint8Array {
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  const step = elementBytes(element as 'i8');
  for (let at = 0; at < bytes; at += step) {
    const code = Math.floor(next() * 256) - 128;
    if (element === 'f32') view.setFloat32(at, code / 64, true);
    else if (step === 8) view.setBigInt64(at, BigInt(code), true);
    else if (step === 4) view.setInt32(at, code, true);
    else if (step === 2) view.setInt16(at, code, true);
    else view.setInt8(at, code);
  }
  return data;
}
