import { constant } from '../../dialects/nn/constant.ts';
import { type TensorType, tensor, Value } from '../ir/index.ts';
import type { GraphBuilder } from './builder.ts';
import { resourceOf } from './initializers.ts';
import type { ExternalData, OnnxTensor } from './proto/index.ts';

/** Tensors whose number is known here: what a sequence of the model comes to. */
export class Sequence {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** An optional that holds nothing. */
export const nothing = Symbol('nothing');

/** What a name of a graph stands for. */
export type Item = Value | Sequence | typeof nothing;

/** The names that a graph sees: its own, its initializers, and those of the graph around it. */
export class Scope {
  readonly #items = new Map<string, Item>();
  readonly #builder: GraphBuilder;
  readonly #initializers: ReadonlyMap<string, OnnxTensor>;
  readonly #external: ExternalData | undefined;
  readonly #outer: ((name: string) => Item | undefined) | undefined;

  constructor(
    builder: GraphBuilder,
    initializers: ReadonlyMap<string, OnnxTensor>,
    external: ExternalData | undefined,
    outer?: (name: string) => Item | undefined,
  ) {
    this.#builder = builder;
    this.#initializers = initializers;
    this.#external = external;
    this.#outer = outer;
  }

  bind(name: string, item: Item): void {
    this.#items.set(name, item);
  }

  /** What a name stands for; an initializer becomes a constant the first time it is asked for. */
  find(name: string): Item | undefined {
    const known = this.#items.get(name);
    if (known !== undefined) return known;
    const initializer = this.#initializers.get(name);
    const found = initializer ? this.#load(initializer) : this.#outer?.(name);
    if (found !== undefined) this.#items.set(name, found);
    return found;
  }

  #load(initializer: OnnxTensor): Value {
    const value = resourceOf(initializer, this.#external);
    return this.#builder.resource(value, tensor(initializer.shape, initializer.dtype), initializer.name);
  }
}

/** Brings a value of the graph around a region into it: constants again, others by `capture`. */
export function intoRegion(builder: GraphBuilder, item: Item | undefined, capture: (value: Value) => Value) {
  if (!(item instanceof Value)) {
    return item instanceof Sequence ? new Sequence(item.items.map((value) => inner(builder, value, capture))) : item;
  }
  return inner(builder, item, capture);
}

function inner(builder: GraphBuilder, value: Value, capture: (value: Value) => Value): Value {
  const { op } = value;
  if (!op || !constant.is(op)) return capture(value);
  return builder.resource(constant.attributesOf(op).value, value.type as TensorType, op.source);
}
