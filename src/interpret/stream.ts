import { elementCount, type Module, type State, staticShape, type TensorType, tensor } from '../ir/index.ts';
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

  /** Every state is zero again, or empty where it grows. */
  reset(): void {
    const { body } = this.#module.main;
    const kept = new Map(this.#module.states.map((state) => [state.input, state]));
    this.#states = Object.fromEntries(
      body.args.flatMap((arg, i): [string, HostTensor][] => {
        const name = arg.name ?? `input${i}`;
        const state = kept.get(name);
        return state ? [[name, initial(arg.type as TensorType, state)]] : [];
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

/** Zeros; of a state that grows none yet. */
function initial(type: TensorType, { append }: State): HostTensor {
  const dtype = storedDType(type.element);
  const begun = append ? tensor(type.shape.with(append.axis, 0), type.element) : type;
  return { dtype, shape: staticShape(begun), data: new (typedArrayOf(dtype))(elementCount(begun)) };
}
