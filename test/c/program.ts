import { spawnSync } from 'node:child_process';
import * as structure from '../../dialects/kernel/structure.ts';
import { Func, Module, Op, Resource, ref, type ScalarType, tensor, type Value } from '../../src/ir/index.ts';

/** A port of a hand-made planned program. */
export interface Port {
  readonly name: string;
  readonly element: Exclude<ScalarType, 'index'>;
  readonly shape: readonly number[];
}

/** Builds planned programs, as lower/bufferize leaves them. */
export class PlannedProgram {
  readonly module = new Module();
  readonly #main = new Func('main');
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly #later: Op[] = [];
  #weights: number[] = [];
  #arena = 0;

  constructor(inputs: readonly Port[], outputs: readonly Port[]) {
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.inputs = inputs.map((port) => this.#main.body.addArgument(ref(port.element, 'input'), port.name));
    this.outputs = outputs.map((port) => this.#main.body.addArgument(ref(port.element, 'output'), port.name));
  }

  /** A place among the weights that holds `data`. */
  weights(data: ArrayBufferView): Value {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    while (this.#weights.length % 64 !== 0) this.#weights.push(0);
    const offset = this.#weights.length;
    for (const byte of bytes) this.#weights.push(byte);
    return this.#op(structure.buffer, [ref('i8', 'weights')], { offset, bytes: bytes.length }).result;
  }

  arena(bytes: number): Value {
    const offset = this.#arena;
    this.#arena += Math.ceil(bytes / 64) * 64;
    return this.#op(structure.buffer, [ref('i8', 'arena')], { offset, bytes }).result;
  }

  launch(kernel: Func, buffers: readonly Value[], source = '', attributes: Op['attributes'] = {}): void {
    const op = this.#op(structure.launch, [], { kernel: kernel.name, ...attributes }, source);
    buffers.forEach((buffer, i) => {
      op.setOperand(i, buffer);
    });
  }

  finish(): Module {
    const signature = new Op(
      structure.signature,
      [],
      {
        input_names: this.#inputs.map((port) => port.name),
        input_types: this.#inputs.map((port) => tensor(port.shape, port.element)),
        output_names: this.#outputs.map((port) => port.name),
        output_types: this.#outputs.map((port) => tensor(port.shape, port.element)),
        arena_bytes: this.#arena,
        weights_bytes: this.#weights.length,
      },
      '',
    );
    for (const op of [signature, ...this.#later, new Op(structure.returnOp, [], {}, '')]) this.#main.body.insert(op);
    this.module.addFunction(this.#main);
    const blob = Uint8Array.from(this.#weights);
    if (blob.length > 0) this.module.facts.set('weights', Resource.of('weights', 'u8', blob));
    return this.module;
  }

  #op(
    definition: Op['definition'],
    types: ConstructorParameters<typeof Op>[1],
    attributes: Op['attributes'],
    source = '',
  ): Op {
    const op = new Op(definition, types, attributes, source);
    this.#later.push(op);
    return op;
  }
}

export const warnings = ['-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];
export const strict = ['-O2', ...warnings];
export const sanitized = ['-O0', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** What a suite's name says when tools that it needs don't start here; empty when all do. */
export function missing(...tools: readonly string[]): string {
  const absent = tools.filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  return absent.length === 0 ? '' : ` (needs ${absent.join(', ')})`;
}
