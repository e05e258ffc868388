import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from '../../src/onnx/proto/index.ts';

// Damages to ONNX models: of their bytes, and of what the bytes say. All choices come from one seed.

/** Numbers from a seed, the same on any machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761) >>> 0;
  }

  /** A whole number below `n`. Source: Marsaglia, Xorshift RNGs (2003), 32 bits. */
  below(n: number): number {
    let x = this.#state || 1;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % n;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const edges = [0, 1, 0x7f, 0x80, 0xff];

/** Changes, inserts or removes a few bytes, or cuts the rest off. */
export function mutateBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  let out = [...bytes];
  for (let i = 0; i <= dice.below(4); i++) {
    const at = dice.below(out.length || 1);
    const byte = dice.below(2) === 0 ? dice.pick(edges) : dice.below(256);
    const kind = dice.below(6);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << dice.below(8));
    else if (kind === 1) out[at] = byte;
    else if (kind === 2) out.splice(at, 0, byte);
    else if (kind === 3) out.splice(at, 1 + dice.below(8));
    else if (kind === 4) out.splice(at, 0, ...out.slice(at, at + dice.below(32)));
    else if (dice.below(4) === 0) out = out.slice(0, at);
  }
  return Uint8Array.from(out);
}

/** Numbers that break assumptions: around zero, and around the ends of integer types. */
const numbers = [0n, 1n, -1n, 2n, 3n, 7n, 255n, 65536n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 32n, 2n ** 53n, 2n ** 62n];
const floats = [0, -0, 1, -1, 0.5, 1e-45, 3e38, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const changed = <T>(items: readonly T[], dice: Dice, change: (item: T) => T): T[] => {
  if (items.length === 0) return [];
  const at = dice.below(items.length);
  return items.map((item, i) => (i === at ? change(item) : item));
};

/** One number of a list changed, added or removed. */
function mutateList<T>(values: readonly T[], dice: Dice, pool: readonly T[]): T[] {
  const kind = dice.below(4);
  if (kind === 0) return [...values, dice.pick(pool)];
  if (kind === 1) return values.slice(0, -1);
  return changed(values, dice, () => dice.pick(pool));
}

function mutateAttribute(attribute: AttributeProto, dice: Dice): AttributeProto {
  switch (attribute.type) {
    case 'int':
      return { ...attribute, value: dice.pick(numbers) };
    case 'float':
      return { ...attribute, value: dice.pick(floats) };
    case 'ints':
      return { ...attribute, value: mutateList(attribute.value, dice, numbers) };
    case 'floats':
      return { ...attribute, value: mutateList(attribute.value, dice, floats) };
    case 'graph':
      return { ...attribute, value: mutateGraph(attribute.value, dice) };
    case 'tensor':
      return { ...attribute, value: mutateTensor(attribute.value, dice) };
    default:
      return { ...attribute, type: 'int', value: dice.pick(numbers) };
  }
}

function mutateNode(node: NodeProto, dice: Dice, names: readonly string[], operators: readonly string[]): NodeProto {
  switch (dice.below(6)) {
    case 0:
      return { ...node, inputs: mutateList(node.inputs, dice, [...names, '']) };
    case 1:
      return { ...node, outputs: mutateList(node.outputs, dice, [...names, '', 'fresh']) };
    case 2:
      return { ...node, opType: dice.pick(operators) };
    case 3:
      return { ...node, attributes: node.attributes.filter((_, i) => i !== dice.below(node.attributes.length)) };
    default:
      return { ...node, attributes: changed(node.attributes, dice, (one) => mutateAttribute(one, dice)) };
  }
}

function mutateTensor(tensor: TensorProto, dice: Dice): TensorProto {
  switch (dice.below(4)) {
    case 0:
      return { ...tensor, dataType: dice.below(30) };
    case 1: {
      const raw = tensor.rawData?.slice() ?? new Uint8Array(4);
      for (let i = 0; i < raw.length && i < 16; i++) raw[dice.below(raw.length)] = dice.pick(edges);
      return { ...tensor, rawData: raw };
    }
    default:
      return { ...tensor, dims: mutateList(tensor.dims, dice, numbers) };
  }
}

function mutateGraph(graph: GraphProto, dice: Dice): GraphProto {
  const names = [...graph.inputs, ...graph.initializers].map(({ name }) => name);
  names.push(...graph.nodes.flatMap(({ outputs }) => outputs));
  const operators = [
    ...graph.nodes.map(({ opType }) => opType),
    'Identity',
    'Reshape',
    'Loop',
    'Expand',
    'Range',
    'Pad',
  ];
  const kind = dice.below(10);
  if (kind < 5)
    return { ...graph, nodes: changed(graph.nodes, dice, (one) => mutateNode(one, dice, names, operators)) };
  if (kind < 8) return { ...graph, initializers: changed(graph.initializers, dice, (one) => mutateTensor(one, dice)) };
  if (kind === 8) return { ...graph, nodes: [...graph.nodes, dice.pick(graph.nodes)] };
  const inputs = changed(graph.inputs, dice, (input) => {
    const { type } = input;
    if (type?.kind !== 'tensor') return input;
    return { ...input, type: { ...type, shape: mutateList(type.shape ?? [], dice, [0, 1, 7, 2 ** 31, 2 ** 52, 'N']) } };
  });
  return { ...graph, inputs };
}

/** Changes one or two fields of a model: sizes, numbers, names, types, operators, and what is connected with what. */
export function mutateFields(model: ModelProto, dice: Dice): ModelProto {
  const once = { ...model, graph: mutateGraph(model.graph, dice) };
  return dice.below(2) === 0 ? once : { ...once, graph: mutateGraph(once.graph, dice) };
}
