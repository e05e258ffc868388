import {
  type Dim,
  expressed,
  type OnnxWriter,
  type Op,
  type QuantType,
  quantOf,
  type TensorType,
  type WrittenAttributes,
} from '../../ir/index.ts';
import { encodeBf16, encodeF16 } from '../../numerics/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import { type DType, type HostTensor, typedArrayOf } from '../../support/tensor.ts';
import type { GraphFile } from './graph.ts';
import { writtenParameters } from './parameters.ts';

/** Writes the nodes of one op into a graph. */
export class NodeWriter implements OnnxWriter {
  readonly #graph: GraphFile;
  readonly #op: Op;
  readonly #name: string;

  constructor(graph: GraphFile, op: Op) {
    this.#graph = graph;
    this.#op = op;
    this.#name = op.results[0]?.name ?? (op.source || op.name);
  }

  node(operator: string, inputs: readonly (string | undefined)[], attributes: WrittenAttributes = {}): string {
    return this.nodes(operator, inputs, 1, attributes)[0] as string;
  }

  nodes(
    operator: string,
    inputs: readonly (string | undefined)[],
    outputs: number,
    attributes: WrittenAttributes = {},
  ): readonly string[] {
    const hints = Array.from({ length: outputs }, (_, i) => this.#op.results[i]?.name ?? this.#name);
    return this.#graph.node(this.#op.source, operator, inputs, hints, attributes);
  }

  constant(value: HostTensor): string {
    return this.#graph.initializer(`${this.#name}_constant`, value);
  }

  scalar(value: number, like: TensorType): string {
    const dtype = expressed(like.element) as DType;
    const data = new (typedArrayOf(dtype))(1) as Float64Array;
    const stored = dtype === 'f16' ? encodeF16(value) : dtype === 'bf16' ? encodeBf16(value) : value;
    data[0] = dtype === 'i64' || dtype === 'u64' ? (BigInt(stored) as unknown as number) : stored;
    return this.constant({ dtype, shape: [], data });
  }

  ints(values: readonly number[]): string {
    return this.constant({ dtype: 'i64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  sizes(dims: readonly Dim[]): readonly number[] {
    return dims.map((dim) =>
      typeof dim === 'number'
        ? dim
        : this.refuse(`the size ${dim} is not known`, 'give every dimension a size: --dim NAME=VALUE'),
    );
  }

  clip(x: string, [low = -Infinity, high = Infinity]: readonly number[], type: TensorType): string {
    if (low === -Infinity && high === Infinity) return x;
    if (low === 0 && high === Infinity) return this.node('Relu', [x]);
    const bound = (value: number) => (Number.isFinite(value) ? this.scalar(value, type) : undefined);
    return this.node('Clip', [x, bound(low), bound(high)]);
  }

  quantize(x: string, type: TensorType): string {
    return this.#linear('QuantizeLinear', x, type, `${this.#name}_codes`);
  }

  /** The real numbers that codes stand for. */
  dequantize(codes: string, type: TensorType): string {
    return this.#linear('DequantizeLinear', codes, type, `${codes}_dequantized`);
  }

  #linear(operator: string, x: string, type: TensorType, output: string): string {
    const parameters = writtenParameters(type, quantOf(type) as QuantType, this.#op.source || this.#name);
    const scale = this.#graph.initializer(`${output}_scale`, parameters.scale);
    const zero = parameters.zeroPoint && this.#graph.initializer(`${output}_zero_point`, parameters.zeroPoint);
    return this.#graph.node(output, operator, [x, scale, zero], [output], parameters.attributes)[0] as string;
  }

  refuse(why: string, help = 'write a .qir file'): never {
    throw new QcError({ what: `${this.#op.name} cannot be written as ONNX: ${why}`, where: this.#op.source, help });
  }
}
