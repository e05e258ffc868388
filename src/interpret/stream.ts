import type { Module, TensorType } from '../ir/index.ts';
import { elementCount, staticShape } from '../ir/index.ts';
import { type HostTensor, typedArrayOf } from '../support/tensor.ts';
import { type InterpretOptions, interpret, type Tensors } from './interpret.ts';
import { storedDType } from './represent.ts';

/** Runs a model with states step by step: what one run gives for them is what the next one takes. */
export class Stream {
  readonly #module: Module;
  #states: Tensors = {};

  constructor(module: Module) {
    this.#module = module;
    this.reset();
  }

  /** What the next run takes for the states, by the names of their inputs. */
  get states(): Tensors {
    return this.#states;
  }

  /** Every state is zero again. */
  reset(): void {
    const { body } = this.#module.main;
    const kept = new Set(this.#module.states.map(({ input }) => input));
    this.#states = Object.fromEntries(
      body.args.flatMap((arg, i): [string, HostTensor][] => {
        const name = arg.name ?? `input${i}`;
        return kept.has(name) ? [[name, zeros(arg.type as TensorType)]] : [];
      }),
    );
  }

  /** One step. States that `inputs` gives stand for those that were carried. The outputs hold the new states too. */
  run(inputs: Tensors, options: InterpretOptions = {}): Record<string, HostTensor> {
    const results = interpret(this.#module, { ...this.#states, ...inputs }, options);
    this.#states = Object.fromEntries(
      this.#module.states.map(({ input, output }): [string, HostTensor] => [input, results[output] as HostTensor]),
    );
    return results;
  }
}

/** The tensor of a type with all elements 0. */
function zeros(type: TensorType): HostTensor {
  const dtype = storedDType(type.element);
  const data = new (typedArrayOf(dtype))(elementCount(type));
  return { dtype, shape: staticShape(type), data };
}
