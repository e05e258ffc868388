import { type Func, type Module, type Op, quantOf, type Type, type Value, walk } from '../ir/index.ts';

/** What a node of the picture stands for. */
export type NodeKind = 'input' | 'output' | 'op';

/** Whether a node is in one of two graphs only, or in both with other types or attributes. */
export type Change = 'same' | 'added' | 'removed' | 'changed';

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  /** The op's name, or that of an input or output. */
  readonly label: string;
  /** The model's own name of the node. */
  readonly source: string;
  /** Further lines: attributes, constants, types of results. */
  readonly details: readonly string[];
  /** Signal-to-noise ratio of its result against float in dB, where it is known. */
  readonly snr?: number;
  readonly change?: Change;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The type of the value. */
  readonly label: string;
  readonly change?: Change;
}

/** A function seen as a picture: ops that compute as nodes, constants as words in them. */
export interface GraphView {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Attributes longer than this are cut. */
const longest = 40;

/**
 * The graph of a module's @main. Kernels are named in their launches and not drawn.
 * @param snr signal-to-noise ratio in dB by op, where it is known
 */
export function viewOf(module: Module, name: string, snr: ReadonlyMap<Op, number> = new Map()): GraphView {
  const { main } = module;
  const ids = new Map<Value, string>();
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  main.body.args.forEach((arg, i) => {
    const id = `input${i}`;
    ids.set(arg, id);
    nodes.push({ id, kind: 'input', label: arg.name ?? id, source: arg.name ?? id, details: [typeText(arg.type)] });
  });
  let count = 0;
  for (const op of walk(main.body)) {
    if (op.isConstant || op.definition.terminator) continue;
    const id = `op${count++}`;
    for (const result of op.results) ids.set(result, id);
    for (const region of op.regions) for (const arg of region.args) ids.set(arg, id);
    nodes.push(nodeOf(op, id, snr.get(op)));
    for (const value of new Set(op.operands)) {
      const from = value && ids.get(value);
      if (from !== undefined && from !== id) edges.push({ from, to: id, label: typeText((value as Value).type) });
    }
  }
  addOutputs(main, ids, nodes, edges);
  return { name, nodes, edges };
}

function addOutputs(main: Func, ids: ReadonlyMap<Value, string>, nodes: GraphNode[], edges: GraphEdge[]): void {
  const returned = main.body.last?.operands ?? [];
  returned.forEach((value, i) => {
    const label = main.resultNames[i] ?? `output${i}`;
    const from = value && ids.get(value);
    nodes.push({
      id: `output${i}`,
      kind: 'output',
      label,
      source: label,
      details: value ? [typeText(value.type)] : [],
    });
    if (from !== undefined) edges.push({ from, to: `output${i}`, label: typeText((value as Value).type) });
  });
}

function nodeOf(op: Op, id: string, snr: number | undefined): GraphNode {
  const names = Object.keys(op.definition.operands);
  const constants = op.operands.flatMap((value, i) =>
    value?.op?.isConstant ? [`${names[i] ?? names.at(-1) ?? ''}: ${typeText(value.type)}`] : [],
  );
  const attributes = Object.entries(op.attributes).flatMap(([name, value]) => {
    const text = attributeText(value);
    return text === undefined ? [] : [`${name} = ${text}`];
  });
  const results = op.results.map(({ type }) => `→ ${typeText(type)}`);
  const details = [...constants, ...attributes, ...results];
  return { id, kind: 'op', label: op.name, source: op.source, details, ...(snr === undefined ? {} : { snr }) };
}

function attributeText(value: unknown): string | undefined {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined;
  const text = String(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** A type as short as a picture wants it: `1×8×28×28 i8 ·0.023 −3`. */
export function typeText(type: Type): string {
  if (type.kind === 'ref') return `${type.element} in ${type.space}`;
  if (type.kind !== 'tensor') return type.key;
  const shape = type.shape.length === 0 ? 'scalar' : type.shape.join('×');
  const quant = quantOf(type);
  if (!quant) return `${shape} ${typeof type.element === 'string' ? type.element : type.element.storage}`;
  const { scale = [], zeroPoint = [] } = quant.params ?? {};
  const scales = scale.length === 1 ? ` ·${Number((scale[0] as number).toPrecision(4))}` : ` ·${scale.length} scales`;
  const zero = zeroPoint.length === 1 && zeroPoint[0] ? ` zero ${zeroPoint[0]}` : '';
  return `${shape} ${quant.storage}${scale.length > 0 ? scales : ''}${zero}`;
}
