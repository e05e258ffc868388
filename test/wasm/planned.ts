import { buffer, KernelBuilder, launch, returnOp, signature } from '../../dialects/kernel/index.ts';
import {
  type Attributes,
  Func,
  Module,
  Op,
  type OpDefinition,
  Resource,
  ref,
  type ScalarType,
  type TensorType,
  type Type,
  tensor,
  type Value,
} from '../../src/ir/index.ts';

/** Where a launch's operand lies: an input or output by name, or bytes into a space. */
export type Place = string | { readonly space: 'arena' | 'weights'; readonly offset: number; readonly bytes: number };

export interface Plan {
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly outputs: Readonly<Record<string, TensorType>>;
  readonly arenaBytes?: number;
  readonly weights?: Uint8Array;
  readonly launches: readonly {
    readonly kernel: string;
    readonly relaxed?: string;
    readonly places: readonly Place[];
  }[];
}

export const flat = (elements: number, element: ScalarType) => tensor([elements], element);

/** Builds a kernel into a module. */
export function kernel(module: Module, name: string, build: (k: KernelBuilder) => void): void {
  const k = new KernelBuilder(name, `node ${name}`);
  build(k);
  k.finish(module);
}

/** Gives a module of kernels the main function that bufferize would have made. */
export function plan(module: Module, { inputs, outputs, arenaBytes = 0, weights, launches }: Plan): Module {
  const main = module.addFunction(new Func('main'));
  const add = (
    definition: OpDefinition,
    operands: readonly Value[],
    types: readonly Type[],
    attributes: Attributes,
  ) => {
    const op = new Op(definition, types, attributes, 'a node');
    operands.forEach((operand, i) => {
      op.setOperand(i, operand);
    });
    main.body.insert(op);
    return op;
  };
  const named = new Map<string, Value>();
  for (const [space, tensors] of [
    ['input', inputs],
    ['output', outputs],
  ] as const) {
    for (const [name, type] of Object.entries(tensors)) {
      named.set(name, main.body.addArgument(ref(type.element as ScalarType, space), name));
    }
  }
  add(signature, [], [], {
    input_names: Object.keys(inputs),
    input_types: Object.values(inputs),
    output_names: Object.keys(outputs),
    output_types: Object.values(outputs),
    arena_bytes: arenaBytes,
    weights_bytes: weights?.byteLength ?? 0,
  });
  for (const { kernel: name, relaxed, places } of launches) {
    const operands = places.map((place) => {
      if (typeof place === 'string') return named.get(place) as Value;
      return add(buffer, [], [ref('i8', place.space)], { offset: place.offset, bytes: place.bytes }).result;
    });
    const variants = relaxed ? { 'relaxed-simd': relaxed } : {};
    add(launch, operands, [], { kernel: name, variants, multiply_adds: 0, in_place: [] });
  }
  add(returnOp, [], [], {});
  if (weights) module.facts.set('weights', Resource.of('weights', 'u8', weights));
  return module;
}

/** A module whose only kernel takes every input and output in order. */
export function single(
  inputs: Readonly<Record<string, TensorType>>,
  outputs: Readonly<Record<string, TensorType>>,
  build: (k: KernelBuilder, buffers: Record<string, Value>) => void,
): Module {
  const module = new Module();
  kernel(module, 'only', (k) => {
    const buffers: Record<string, Value> = {};
    for (const [name, type] of Object.entries(inputs)) {
      buffers[name] = k.buffer(name, type.element as ScalarType, 'input');
    }
    for (const [name, type] of Object.entries(outputs)) {
      buffers[name] = k.buffer(name, type.element as ScalarType, 'output');
    }
    build(k, buffers);
  });
  return plan(module, {
    inputs,
    outputs,
    launches: [{ kernel: 'only', places: Object.keys({ ...inputs, ...outputs }) }],
  });
}

/** Numbers that repeat from run to run: xorshift of 32 bits. */
export function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
