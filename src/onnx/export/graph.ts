import type { WrittenAttributes } from '../../ir/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { type AttributeProto, type NodeProto, type TensorProto, tensorProto } from '../proto/index.ts';

/** Most bytes of a file in protobuf's format. */
const largestFile = 2 ** 31 - 1;

const text = new TextEncoder();

/** The nodes and initializers of a graph that is written; every name is given once. */
export class GraphFile {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names = new Set<string>(['']);
  readonly #nodeNames = new Map<string, number>();
  #bytes = 0;

  /** A name that nothing has yet, `hint` where that is free. */
  fresh(hint: string): string {
    let name = hint;
    for (let i = 1; this.#names.has(name); i++) name = `${hint}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** @throws QcError when the file would get too large */
  initializer(hint: string, value: HostTensor): string {
    const proto = tensorProto(this.fresh(hint), value);
    this.#bytes += proto.rawData?.length ?? 0;
    if (this.#bytes > largestFile) {
      throw new QcError({
        what: 'the model has more than 2 GB of constants',
        why: 'an ONNX file of one piece holds less, and qc writes no external data',
        help: 'write a .qir file, or quantize to fewer bits',
      });
    }
    this.initializers.push(proto);
    return proto.name;
  }

  /** Adds a node of the standard domain. `source` names it and its outputs. */
  node(
    source: string,
    operator: string,
    inputs: readonly (string | undefined)[],
    outputs: readonly string[],
    attributes: WrittenAttributes,
  ): readonly string[] {
    const given = inputs.map((name) => name ?? '');
    while (given.at(-1) === '') given.pop();
    const names = outputs.map((hint) => this.fresh(hint));
    this.nodes.push({
      name: this.#nodeName(source, operator),
      opType: operator,
      domain: '',
      overload: '',
      inputs: given,
      outputs: names,
      attributes: attributesOf(attributes),
    });
    return names;
  }

  /** The first node of a layer has its name; further ones carry their operator behind it. */
  #nodeName(source: string, operator: string): string {
    const taken = this.#nodeNames.get(source);
    this.#nodeNames.set(source, (taken ?? 0) + 1);
    return source === '' || taken === undefined ? source : `${source}/${operator}_${taken}`;
  }

  /** Gives a value that a node makes another name, wherever it occurs. */
  rename(from: string, to: string): void {
    const renamed = (names: readonly string[]) => names.map((name) => (name === from ? to : name));
    this.nodes.forEach((node, i) => {
      if (!node.inputs.includes(from) && !node.outputs.includes(from)) return;
      this.nodes[i] = { ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) };
    });
  }
}

function attributesOf({ int, float, string, ints, floats, strings }: WrittenAttributes): AttributeProto[] {
  const each = <T>(values: Readonly<Record<string, T>> | undefined, make: (name: string, value: T) => AttributeProto) =>
    Object.entries(values ?? {}).map(([name, value]) => make(name, value));
  return [
    ...each(int, (name, value) => ({ name, type: 'int', value: BigInt(value) })),
    ...each(float, (name, value) => ({ name, type: 'float', value })),
    ...each(string, (name, value) => ({ name, type: 'string', value: text.encode(value) })),
    ...each(ints, (name, values) => ({ name, type: 'ints', value: values.map(BigInt) })),
    ...each(floats, (name, value) => ({ name, type: 'floats', value })),
    ...each(strings, (name, values) => ({ name, type: 'strings', value: values.map((value) => text.encode(value)) })),
  ];
}
