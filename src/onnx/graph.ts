import { type Dim, Value } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { checkLimit, type Limits, startClock } from '../support/limits.ts';
import { type GraphBuilder, located } from './builder.ts';
import { readInitializers } from './initializers.ts';
import type { Mappings } from './mappings.ts';
import { ImportedNode, type NodeContext } from './node.ts';
import { nodeName, orderedNodes } from './order.ts';
import type { AttributeProto, ExternalData, FunctionProto, GraphProto, NodeProto, OpsetImport } from './proto/index.ts';
import { type Item, nothing, Scope, Sequence } from './scope.ts';
import { structural } from './structural.ts';
import type { Symbols } from './symbols.ts';

/** Where nodes are imported: the names they see, the operator sets they mean, and the functions around them. */
export interface Frame {
  readonly scope: Scope;
  readonly opsets: ReadonlyMap<string, number>;
  /** The attributes that a function was called with; undefined outside of functions. */
  readonly attributes: ReadonlyMap<string, AttributeProto> | undefined;
  /** The functions that are being inlined, outermost first. */
  readonly calls: readonly FunctionProto[];
  /** Put before the names of nodes: the calls that led here. */
  readonly prefix: string;
}

/** What all graphs of one model share. */
export interface ImportState {
  readonly builder: GraphBuilder;
  readonly mappings: Mappings;
  readonly symbols: Symbols;
  readonly functions: readonly FunctionProto[];
  readonly external: ExternalData | undefined;
  readonly limits: Limits;
}

/** Imports the nodes of graphs, of the graphs in their attributes, and of the functions that they call. */
export class GraphImporter {
  readonly state: ImportState;
  readonly #checkTime: () => void;
  #nodes = 0;

  constructor(state: ImportState) {
    this.state = state;
    this.#checkTime = startClock(state.limits, 'the import');
  }

  /** The frame of a graph inside another; `outer` finds what the graph around it defines. */
  inside(frame: Frame, graph: GraphProto, outer: (name: string) => Item | undefined): Frame {
    const { builder, external } = this.state;
    const initializers = readInitializers(graph, external);
    return { ...frame, scope: new Scope(builder, initializers, external, outer) };
  }

  /** Imports the nodes of a graph whose inputs are bound, and gives its outputs. */
  importGraph(graph: GraphProto, frame: Frame, isOuter: (name: string) => boolean = () => false): Item[] {
    refuseSparse(graph);
    for (const node of orderedNodes(graph, isOuter)) this.#importNode(node, frame);
    return graph.outputs.map(({ name }) => this.find(frame, name, 'the graph’s outputs'));
  }

  /** What a name stands for. @throws QcError when nothing defines it */
  find(frame: Frame, name: string, where: string): Item {
    const item = frame.scope.find(name);
    if (item !== undefined) return item;
    throw new QcError({ what: `nothing defines the value '${name}'`, where, help: 'export the model again' });
  }

  /** The tensor that a name stands for; undefined for an empty optional. @throws QcError */
  value(frame: Frame, name: string, where: string): Value | undefined {
    const item = this.find(frame, name, where);
    if (!(item instanceof Sequence)) return item === nothing ? undefined : item;
    throw new QcError({
      what: `'${name}' is a sequence, where a tensor is needed`,
      where,
      help: 'export the model without sequences',
    });
  }

  #importNode(written: NodeProto, frame: Frame): void {
    const { limits } = this.state;
    const tooMany = `the model has more than ${limits.nodes} nodes when its functions and loops are written out`;
    checkLimit(limits, 'nodes', ++this.#nodes, tooMany);
    this.#checkTime();
    const proto = withArguments(written, frame);
    const where = nodeName(proto);
    const called = this.#functionOf(proto);
    const items = called ? this.#call(called, proto, frame, where) : this.#build(proto, frame, where);
    proto.outputs.forEach((name, i) => {
      if (name === '') return;
      const item = items[i] ?? refuseOutput(proto, where, i);
      if (item instanceof Value && item.op && !item.name) item.name = name;
      frame.scope.bind(name, item);
    });
  }

  #build(proto: NodeProto, frame: Frame, where: string): readonly (Item | undefined)[] {
    const domain = plainDomain(proto.domain);
    const opset = frame.opsets.get(domain);
    if (opset === undefined) {
      throw new QcError({
        what: `the model uses the domain '${domain || 'ai.onnx'}' and does not say in which version`,
        where,
        why: `operator '${proto.opType}' belongs to it`,
        help: 'export the model again',
      });
    }
    const node = new ImportedNode(proto, this.#context(frame, opset, where));
    const item = (i: number): Item | undefined => {
      const name = node.inputName(i);
      return name === undefined ? undefined : this.find(frame, name, where);
    };
    const special = structural.get(domain === '' ? proto.opType : `${domain}.${proto.opType}`);
    const items = special && located(where, () => special({ node, item, frame, importer: this }));
    if (items) {
      node.checkAllRead();
      return items;
    }
    const mapping = this.state.mappings.find(proto.opType, domain, opset, where);
    const built = located(where, () => mapping.build(node));
    node.checkAllRead();
    return Array.isArray(built) ? (built as readonly (Value | undefined)[]) : [built as Value];
  }

  #functionOf({ opType, domain, overload }: NodeProto): FunctionProto | undefined {
    return this.state.functions.find((f) => f.name === opType && f.domain === domain && f.overload === overload);
  }

  /** Imports the nodes of a function in place of a call of it. */
  #call(called: FunctionProto, proto: NodeProto, frame: Frame, where: string): readonly Item[] {
    if (frame.calls.includes(called)) {
      throw new QcError({
        what: `the function '${called.name}' calls itself`,
        where,
        why: 'functions are inlined, and this would never end',
        help: 'export the model again',
      });
    }
    const { builder, external } = this.state;
    const scope = new Scope(builder, new Map(), external);
    called.inputs.forEach((name, i) => {
      const given = proto.inputs[i];
      scope.bind(name, given ? this.find(frame, given, where) : nothing);
    });
    const given = new Map([...called.defaults, ...proto.attributes].map((attribute) => [attribute.name, attribute]));
    const inner: Frame = {
      scope,
      opsets: opsetsOf(called.opsetImports.length > 0 ? called.opsetImports : undefined) ?? frame.opsets,
      attributes: given,
      calls: [...frame.calls, called],
      prefix: `${where}/`,
    };
    const info = (name: string) => ({ name, type: undefined });
    const graph: GraphProto = {
      name: called.name,
      nodes: called.nodes,
      initializers: [],
      sparseInitializers: [],
      inputs: called.inputs.map(info),
      outputs: [],
      valueInfos: [],
    };
    this.importGraph(graph, inner);
    return proto.outputs.map((name, i) =>
      name === '' ? nothing : this.find(inner, called.outputs[i] ?? refuseOutput(proto, where, i), where),
    );
  }

  #context(frame: Frame, opset: number, where: string): NodeContext {
    const { builder, symbols } = this.state;
    return {
      opset,
      value: (name) => this.value(frame, name, where),
      constantOf: (value) => builder.constantOf(value),
      dimsOf: (value): readonly Dim[] | undefined => builder.dimsOf(value),
      freshDim: (hint, max): Dim => symbols.dataDependent(hint, max),
      create: (definition, operands, attributes, source, types) =>
        builder.create(definition, definition.flatten(operands), attributes, source, types),
      createConstant: (value, name, source, type) => builder.createConstant(value, name, source, type).result,
    };
  }
}

export const plainDomain = (domain: string) => (domain === 'ai.onnx' ? '' : domain);

/** The versions of operator sets by domain; undefined for no list. */
export function opsetsOf(imports: readonly OpsetImport[] | undefined): Map<string, number> | undefined {
  return imports && new Map(imports.map(({ domain, version }) => [plainDomain(domain), version]));
}

/** A node with the attributes of the function around it filled in. */
function withArguments(node: NodeProto, { attributes, prefix }: Frame): NodeProto {
  const named = prefix === '' ? node : { ...node, name: prefix + nodeName(node) };
  if (!attributes || node.attributes.every(({ type }) => type !== 'reference')) return named;
  const filled = node.attributes.flatMap((attribute): AttributeProto[] => {
    if (attribute.type !== 'reference') return [attribute];
    const given = attributes.get(attribute.value);
    return given ? [{ ...given, name: attribute.name }] : [];
  });
  return { ...named, attributes: filled };
}

function refuseOutput(proto: NodeProto, where: string, i: number): never {
  throw new QcError({
    what: `this use of operator '${proto.opType}' is not supported: output ${i} ('${proto.outputs[i]}')`,
    where,
    help: 'remove the output from the model',
  });
}

function refuseSparse({ sparseInitializers: [sparse] }: GraphProto): void {
  if (!sparse) return;
  throw new QcError({
    what: `the initializer '${sparse.values.name}' is sparse`,
    where: sparse.values.name,
    why: 'sparse tensors are not supported',
    help: 'store it as a dense tensor',
  });
}
