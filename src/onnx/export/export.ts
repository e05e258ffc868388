import { constant } from '../../../dialects/nn/constant.ts';
import { returnOp } from '../../../dialects/nn/return.ts';
import { type Module, type Op, quantOf, storageOf, type TensorType, type Value } from '../../ir/index.ts';
import type { DType } from '../../support/tensor.ts';
import { encodeModel, type ModelProto, tensorInfo, type ValueInfoProto } from '../proto/index.ts';
import { biasCodes, biasIndex } from './bias.ts';
import { GraphFile } from './graph.ts';
import { operatorSetFor } from './operatorSet.ts';
import { NodeWriter } from './writer.ts';

/**
 * A module of `nn` ops as an ONNX model. Quantized types become QuantizeLinear and DequantizeLinear around the float
 * operators, with the same numbers; biases of integer layers become 32-bit codes. The module stays as it is.
 * @throws QcError that names the layer, for an op without an ONNX operator, for types that QuantizeLinear cannot say,
 * and for more than 2 GB
 */
export function exportOnnx(module: Module): Uint8Array {
  const { main } = module;
  const exporter = new Exporter();
  const inputs = main.body.args.map((arg, i) => exporter.addInput(arg, arg.name ?? `input_${i}`));
  for (const name of main.resultNames) exporter.graph.fresh(name);
  const outputs: ValueInfoProto[] = [];
  for (const op of main.body.ops()) {
    if (returnOp.is(op)) {
      op.operands.forEach((value, i) => {
        outputs.push(exporter.addOutput(value as Value, main.resultNames[i] as string, op));
      });
    } else if (!constant.is(op)) exporter.addOp(op);
  }
  return encodeModel(exporter.model(module, inputs, outputs));
}

class Exporter {
  readonly graph = new GraphFile();
  /** Names of real numbers, and of the codes that stand for some of them. */
  readonly #reals = new Map<Value, string>();
  readonly #codes = new Map<Value, string>();
  /** Names that are no node's to change: inputs, initializers, and outputs that are written already. */
  readonly #given = new Set<string>();
  /** Values that were given the name of an output. */
  readonly #renamed = new Map<string, string>();

  addInput(value: Value, name: string): ValueInfoProto {
    this.graph.fresh(name);
    const type = value.type as TensorType;
    (quantOf(type) ? this.#codes : this.#reals).set(value, name);
    this.#given.add(name);
    return infoOf(name, type);
  }

  addOp(op: Op): void {
    const writer = new NodeWriter(this.graph, op);
    const { domain } = op.definition;
    const toOnnx = op.definition.toOnnx ?? writer.refuse('there is no ONNX operator for it');
    const onCodes = domain === 'codes';
    const bias = biasCodes(op);
    const operands = op.operands.map((value, i) => {
      if (bias && i === biasIndex(op)) {
        const codes = this.graph.initializer(`${op.source}_bias`, bias.codes);
        return new NodeWriter(this.graph, bias.source).dequantize(codes, bias.type);
      }
      return value && (onCodes ? this.#stored(value) : this.#real(value, op));
    });
    const names = toOnnx(writer, operands, op);
    op.results.forEach((result, i) => {
      const [name, type] = [names[i] as string, result.type as TensorType];
      // ONNX quantizes nothing to 32 bits: those codes are written as the real numbers that they stand for
      if (!quantOf(type) || storageOf(type.element) === 'i32') this.#reals.set(result, name);
      else this.#codes.set(result, onCodes ? name : writer.quantize(name, type));
    });
  }

  addOutput(value: Value, name: string, at: Op): ValueInfoProto {
    const made = quantOf(value.type as TensorType) ? this.#stored(value) : this.#real(value, at);
    const stored = this.#renamed.get(made) ?? made;
    if (this.#given.has(stored)) {
      const [copy] = this.graph.node('', 'Identity', [stored], [`${name}_copy`], {});
      this.graph.rename(copy as string, name);
    } else {
      this.graph.rename(stored, name);
      this.#renamed.set(stored, name);
    }
    this.#given.add(name);
    return infoOf(name, value.type as TensorType);
  }

  /** The name of a value's real numbers, for `reader`. */
  #real(value: Value, reader: Op): string {
    const known = this.#reals.get(value);
    if (known !== undefined) return known;
    const name = quantOf(value.type as TensorType)
      ? new NodeWriter(this.graph, value.op ?? reader).dequantize(this.#stored(value), value.type as TensorType)
      : this.#constant(value);
    this.#reals.set(value, name);
    return name;
  }

  /** The name of what a value's type stores. */
  #stored(value: Value): string {
    const known = this.#codes.get(value) ?? (quantOf(value.type as TensorType) ? undefined : this.#reals.get(value));
    if (known !== undefined) return known;
    const name = this.#constant(value);
    (quantOf(value.type as TensorType) ? this.#codes : this.#reals).set(value, name);
    return name;
  }

  #constant(value: Value): string {
    const { value: resource } = constant.attributesOf(value.op as Op);
    const { shape } = value.type as TensorType;
    const tensor = { dtype: resource.element, shape: shape as readonly number[], data: resource.data() };
    const name = this.graph.initializer(resource.name, tensor);
    this.#given.add(name);
    return name;
  }

  model(module: Module, inputs: readonly ValueInfoProto[], outputs: readonly ValueInfoProto[]): ModelProto {
    const { nodes, initializers } = this.graph;
    const { opset, irVersion } = operatorSetFor(module, nodes);
    return {
      irVersion,
      producerName: 'qc',
      producerVersion: '',
      domain: '',
      modelVersion: 0n,
      opsetImports: [{ domain: '', version: opset }],
      graph: { name: 'main', nodes, initializers, sparseInitializers: [], inputs, outputs, valueInfos: [] },
      functions: [],
      metadata: [],
    };
  }
}

function infoOf(name: string, type: TensorType): ValueInfoProto {
  const shape = type.shape.map((dim) => (typeof dim === 'number' ? dim : String(dim)));
  return tensorInfo(name, storageOf(type.element) as DType, shape);
}
