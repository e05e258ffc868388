import type {
  AttributeSpecs,
  Attributes,
  ByOperand,
  Dim,
  OnnxNode,
  Op,
  OperandSpecs,
  Type,
  TypedOp,
  Value,
} from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { nodeName } from './order.ts';
import {
  type AttributeProto,
  type AttributeType,
  type GraphProto,
  hostTensor,
  type NodeProto,
  readTensor,
} from './proto/index.ts';

/** What a node's mapping needs of the import around it. */
export interface NodeContext {
  readonly opset: number;
  /** The value that a name stands for; undefined for an empty optional. */
  value(name: string): Value | undefined;
  /** The elements of a constant value. */
  constantOf(value: Value): HostTensor | undefined;
  /** The elements of an integer value as dimensions. */
  dimsOf(value: Value): readonly Dim[] | undefined;
  freshDim(hint: string, max: Dim | undefined): Dim;
  create<O extends OperandSpecs, A extends AttributeSpecs>(
    definition: TypedOp<O, A>,
    operands: ByOperand<O, Value>,
    attributes: Attributes,
    source: string,
    types?: readonly Type[],
  ): Op;
  createConstant(value: HostTensor, name: string, source: string, type?: Type): Value;
}

type ValueOfType<T extends AttributeType> = Extract<AttributeProto, { type: T }>['value'];

const text = new TextDecoder();

/** A node as its mapping sees it; remembers what was read, so that nothing is ignored unseen. */
export class ImportedNode implements OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly opset: number;
  readonly inputCount: number;
  readonly outputCount: number;
  readonly #proto: NodeProto;
  readonly #context: NodeContext;
  readonly #attributes: ReadonlyMap<string, AttributeProto>;
  // Which inputs version 1 let an operator overwrite; it means nothing here.
  readonly #readAttributes: Set<string>;
  readonly #readInputs = new Set<number>();
  #constants = 0;

  constructor(proto: NodeProto, context: NodeContext, readAttributes = new Set<string>(['consumed_inputs'])) {
    this.#readAttributes = readAttributes;
    this.name = nodeName(proto);
    this.opType = proto.opType;
    this.opset = context.opset;
    this.inputCount = proto.inputs.length;
    this.outputCount = proto.outputs.length;
    this.#proto = proto;
    this.#context = context;
    this.#attributes = new Map(proto.attributes.map((attribute) => [attribute.name, attribute]));
  }

  /** Refuses attributes and inputs that the mapping has not looked at. @throws QcError */
  checkAllRead(): void {
    for (const name of this.#attributes.keys()) {
      if (!this.#readAttributes.has(name)) {
        this.refuse(`the attribute '${name}'`, 'remove it from the model, or export the model again');
      }
    }
    this.#proto.inputs.forEach((name, i) => {
      if (name !== '' && !this.#readInputs.has(i)) this.refuse(`input ${i} ('${name}')`);
    });
  }

  refuse(why: string, help?: string): never {
    throw new QcError({
      what: `this use of operator '${this.opType}' is not supported: ${why}`,
      where: this.name,
      why: `operator set ${this.opset}`,
      help,
    });
  }

  input(i: number): Value {
    return this.optionalInput(i) ?? this.refuse(`input ${i} is missing`, 'export the model again');
  }

  optionalInput(i: number): Value | undefined {
    this.#readInputs.add(i);
    const name = this.#proto.inputs[i];
    return name ? this.#context.value(name) : undefined;
  }

  /** The name of input `i`, or undefined when it is absent. */
  inputName(i: number): string | undefined {
    this.#readInputs.add(i);
    return this.#proto.inputs[i] || undefined;
  }

  withInputs(inputs: readonly (Value | undefined)[], opset: number): ImportedNode {
    const named = inputs.map((value, i) => (value ? `${i}` : ''));
    const context = { ...this.#context, opset, value: (name: string) => inputs[Number(name)] };
    return new ImportedNode({ ...this.#proto, name: this.name, inputs: named }, context, this.#readAttributes);
  }

  constantOf(value: Value): HostTensor | undefined {
    return this.#context.constantOf(value);
  }

  constant(i: number): HostTensor | undefined {
    const value = this.optionalInput(i);
    return value && this.#context.constantOf(value);
  }

  constantNumbers(i: number): number[] | undefined {
    if (!this.optionalInput(i)) return undefined;
    const tensor = this.constant(i) ?? this.#dataDependent(i);
    return Array.from(tensor.data as unknown as Iterable<number | bigint>, Number);
  }

  dims(i: number): readonly Dim[] | undefined {
    const value = this.optionalInput(i);
    return value && (this.#context.dimsOf(value) ?? this.#dataDependent(i));
  }

  isKnown(i: number): boolean {
    const value = this.optionalInput(i);
    return value !== undefined && this.#context.dimsOf(value) !== undefined;
  }

  #dataDependent(i: number): never {
    return this.refuse(
      `input ${i} ('${this.#proto.inputs[i]}') depends on data`,
      'it must be a constant, or computed from shapes',
    );
  }

  freshDim(hint: string, max?: Dim): Dim {
    return this.#context.freshDim(`${this.#proto.outputs[0] || this.name}_${hint}`, max);
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name);
  }

  #attribute<T extends AttributeType>(name: string, type: T): ValueOfType<T> | undefined {
    this.#readAttributes.add(name);
    const attribute = this.#attributes.get(name);
    if (!attribute) return undefined;
    if (attribute.type === type) return attribute.value as ValueOfType<T> | undefined;
    throw new QcError({
      what: `attribute '${name}' of operator '${this.opType}' is of type ${attribute.type}`,
      where: this.name,
      why: `it must be of type ${type}`,
      help: 'export the model again',
    });
  }

  #required(name: string): never {
    return this.refuse(`the attribute '${name}' is missing`, 'export the model again');
  }

  #integer(name: string, value: bigint): number {
    const number = Number(value);
    // The end of a slice may be the largest integer there is; anything else must be exact.
    if (Number.isSafeInteger(number) || value === 2n ** 63n - 1n || value === -(2n ** 63n)) return number;
    return this.refuse(`the attribute '${name}' = ${value} is too large`);
  }

  int(name: string, fallback?: number): number {
    const value = this.#attribute(name, 'int');
    return value === undefined ? (fallback ?? this.#required(name)) : this.#integer(name, value);
  }

  float(name: string, fallback?: number): number {
    return this.#attribute(name, 'float') ?? fallback ?? this.#required(name);
  }

  string(name: string, fallback?: string): string {
    const value = this.#attribute(name, 'string');
    return value === undefined ? (fallback ?? this.#required(name)) : text.decode(value);
  }

  ints(name: string, fallback?: readonly number[]): readonly number[] {
    const values = this.#attribute(name, 'ints');
    return values?.map((value) => this.#integer(name, value)) ?? fallback ?? this.#required(name);
  }

  floats(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#attribute(name, 'floats') ?? fallback ?? this.#required(name);
  }

  strings(name: string, fallback?: readonly string[]): readonly string[] {
    return this.#attribute(name, 'strings')?.map((value) => text.decode(value)) ?? fallback ?? this.#required(name);
  }

  /** Marks an attribute as one that changes nothing here. */
  ignoreAttribute(name: string): void {
    this.#readAttributes.add(name);
  }

  /** The graph in an attribute. */
  graph(name: string): GraphProto {
    return this.#attribute(name, 'graph') ?? this.#required(name);
  }

  tensor(name: string): HostTensor | undefined {
    const value = this.#attribute(name, 'tensor');
    return value && hostTensor(readTensor(value, `attribute '${name}' of ${this.name}`));
  }

  create<O extends OperandSpecs, A extends AttributeSpecs>(
    definition: TypedOp<O, A>,
    operands: ByOperand<O, Value>,
    attributes: Attributes = {},
    types?: readonly Type[],
  ): Op {
    return this.#context.create(definition, operands, attributes, this.name, types);
  }

  createConstant(value: HostTensor, type?: Type): Value {
    const count = this.#constants++;
    const name = this.#proto.outputs[0] || this.name;
    return this.#context.createConstant(value, count === 0 ? name : `${name}.${count}`, this.name, type);
  }
}
