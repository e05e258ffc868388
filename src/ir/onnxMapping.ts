import type { HostTensor } from '../support/tensor.ts';
import type { Attributes } from './attribute.ts';
import type { AttributeSpecs, ByOperand, OperandSpecs, TypedOp } from './define.ts';
import type { Dim } from './dim.ts';
import type { Op, Value } from './op.ts';
import type { TensorType, Type } from './types.ts';

/** One ONNX node, as a mapping sees it. Getters throw a QcError that names the node and the attribute. */
export interface OnnxNode {
  /** The node's own name, or its operator and first output where it has none. */
  readonly name: string;
  readonly opType: string;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputCount: number;
  readonly outputCount: number;
  /** Input `i`; throws when it is absent. */
  input(i: number): Value;
  /** Input `i`, or undefined when it is absent or has an empty name. */
  optionalInput(i: number): Value | undefined;
  /** The value of input `i` when it is a constant; undefined when absent or not constant. */
  constant(i: number): HostTensor | undefined;
  /** Input `i`'s constant elements as numbers; throws when the input is there but not constant. */
  constantNumbers(i: number): number[] | undefined;
  /**
   * Input `i`'s integer elements as dimensions: constants, or what the model computes from shapes. Undefined when
   * absent; throws when the elements depend on data.
   */
  dims(i: number): readonly Dim[] | undefined;
  /** Whether `dims(i)` can tell the elements of input `i`; false when it is absent. */
  isKnown(i: number): boolean;
  /** A fresh dimension for a size that depends on data; `max` is its largest value where that is known. */
  freshDim(hint: string, max?: Dim): Dim;
  hasAttribute(name: string): boolean;
  int(name: string, fallback?: number): number;
  float(name: string, fallback?: number): number;
  string(name: string, fallback?: string): string;
  ints(name: string, fallback?: readonly number[]): readonly number[];
  floats(name: string, fallback?: readonly number[]): readonly number[];
  strings(name: string, fallback?: readonly string[]): readonly string[];
  tensor(name: string): HostTensor | undefined;
  /** The elements of a constant value, or undefined. */
  constantOf(value: Value): HostTensor | undefined;
  /** This node with other inputs, as another operator's mapping of operator set `opset` is to see it. */
  withInputs(inputs: readonly (Value | undefined)[], opset: number): OnnxNode;
  /** Makes an op under this node's name; `types` are the results' where the op does not infer them. */
  create<O extends OperandSpecs, A extends AttributeSpecs>(
    definition: TypedOp<O, A>,
    operands: ByOperand<O, Value>,
    attributes?: Attributes,
    types?: readonly Type[],
  ): Op;
  /** A constant operand that the mapping needs; `type` where it is not that of the tensor. */
  createConstant(value: HostTensor, type?: Type): Value;
  /** Refuses the node: the operator is known, but this use of it is not supported. */
  refuse(why: string, help?: string): never;
}

/** How one ONNX operator becomes ops. `build` gives one value for each output; undefined for one it refuses. */
export interface OnnxMapping {
  readonly op: string;
  /** Default: the standard domain. */
  readonly domain?: string;
  /** First operator-set version with this meaning. Default 1. */
  readonly since?: number;
  /** Last operator-set version with this meaning. Default: any later one. */
  readonly until?: number;
  /** What must be constant for programs to run it, or why they cannot; absent: nothing. */
  readonly program?: string;
  readonly build: (node: OnnxNode) => Value | readonly (Value | undefined)[];
}

/** Attributes of a node that is written, by their ONNX types. */
export interface WrittenAttributes {
  readonly int?: Readonly<Record<string, number>>;
  readonly float?: Readonly<Record<string, number>>;
  readonly string?: Readonly<Record<string, string>>;
  readonly ints?: Readonly<Record<string, readonly number[]>>;
  readonly floats?: Readonly<Record<string, readonly number[]>>;
  readonly strings?: Readonly<Record<string, readonly string[]>>;
}

/** Writes ONNX nodes for one op. Values are names; what it makes carries the name of the op's own node. */
export interface OnnxWriter {
  /** Adds a node of the standard domain with one output, and gives that output's name. */
  node(operator: string, inputs: readonly (string | undefined)[], attributes?: WrittenAttributes): string;
  /** Adds a node with several outputs. */
  nodes(
    operator: string,
    inputs: readonly (string | undefined)[],
    outputs: number,
    attributes?: WrittenAttributes,
  ): readonly string[];
  constant(value: HostTensor): string;
  /** A number as a tensor without axes, of the element type of `like`. */
  scalar(value: number, like: TensorType): string;
  /** A list of i64. */
  ints(values: readonly number[]): string;
  /** Sizes as a list of numbers; refuses those that are not known. */
  sizes(dims: readonly Dim[]): readonly number[];
  /** x limited to [low, high]; x itself where they are infinite. */
  clip(x: string, range: readonly number[], type: TensorType): string;
  /** The codes of x under a quantized type. */
  quantize(x: string, type: TensorType): string;
  /** Refuses the op. @throws QcError */
  refuse(why: string, help?: string): never;
}
