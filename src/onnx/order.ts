import { didYouMean, QcError } from '../support/diagnostics.ts';
import type { GraphProto, NodeProto } from './proto/index.ts';

/** A node's own name, or its operator and first output where it has none. */
export function nodeName(node: NodeProto): string {
  return node.name || `${node.opType}(${node.outputs.find((name) => name !== '') ?? ''})`;
}

/**
 * The nodes of a graph, each after those whose results it reads; the file's order where that is right.
 * @throws QcError when a value is written twice, read but never written, or depends on itself.
 * `isOuter` knows the names of the graph around it.
 */
export function orderedNodes(graph: GraphProto, isOuter: (name: string) => boolean): readonly NodeProto[] {
  const writers = findWriters(graph);
  const given = new Set([...graph.inputs.map((i) => i.name), ...graph.initializers.map((i) => i.name)]);
  const waiting = new Map<NodeProto, number>();
  const readers = new Map<NodeProto, NodeProto[]>();
  let sorted = true;
  const seen = new Set<NodeProto>();
  for (const node of graph.nodes) {
    const sources = new Set(node.inputs.flatMap((name) => sourceOf(name, node, writers, given, isOuter)));
    for (const name of readInside(node)) {
      const source = writers.get(name);
      if (source && source !== node) sources.add(source);
    }
    waiting.set(node, sources.size);
    for (const source of sources) {
      readers.set(source, [...(readers.get(source) ?? []), node]);
      if (!seen.has(source)) sorted = false;
    }
    seen.add(node);
  }
  return sorted ? graph.nodes : sort(graph.nodes, waiting, readers);
}

/** Every name that the graphs in a node's attributes read or give back, their own included. */
function readInside(node: NodeProto): string[] {
  return node.attributes.flatMap((attribute) =>
    attribute.type === 'graph'
      ? [
          ...attribute.value.outputs.map(({ name }) => name),
          ...attribute.value.nodes.flatMap((inner) => [...inner.inputs, ...readInside(inner)]),
        ]
      : [],
  );
}

function findWriters(graph: GraphProto): Map<string, NodeProto> {
  const names = new Set<string>();
  const once = (name: string, where: string) => {
    if (names.has(name)) {
      throw new QcError({
        what: `the value '${name}' is defined twice`,
        where,
        why: 'each value of a graph has one definition',
        help: 'export the model again',
      });
    }
    names.add(name);
  };
  for (const input of graph.inputs) once(input.name, 'the graph’s inputs');
  const initialized = new Set<string>();
  for (const { name } of graph.initializers) {
    // An initializer of the same name as an input is that input's default.
    if (initialized.has(name)) once(name, 'the graph’s initializers');
    initialized.add(name);
    names.add(name);
  }
  const writers = new Map<string, NodeProto>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      once(output, nodeName(node));
      writers.set(output, node);
    }
  }
  return writers;
}

function sourceOf(
  name: string,
  node: NodeProto,
  writers: ReadonlyMap<string, NodeProto>,
  given: ReadonlySet<string>,
  isOuter: (name: string) => boolean,
): NodeProto[] {
  if (name === '' || given.has(name)) return [];
  const source = writers.get(name);
  if (source) return [source];
  if (isOuter(name)) return [];
  const near = didYouMean(name, [...given, ...writers.keys()]);
  throw new QcError({
    what: `the value '${name}' is read and nothing defines it`,
    where: nodeName(node),
    why: 'it is no input, no initializer and no result of a node',
    help: near === undefined ? 'export the model again' : `did you mean '${near}'?`,
  });
}

function sort(
  nodes: readonly NodeProto[],
  waiting: Map<NodeProto, number>,
  readers: ReadonlyMap<NodeProto, NodeProto[]>,
): NodeProto[] {
  const ready = nodes.filter((node) => waiting.get(node) === 0);
  for (const node of ready) {
    for (const reader of readers.get(node) ?? []) {
      const left = (waiting.get(reader) as number) - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  const stuck = nodes.find((node) => (waiting.get(node) as number) > 0);
  if (!stuck) return ready;
  throw new QcError({
    what: 'a value depends on itself',
    where: nodeName(stuck),
    why: 'the graph has a cycle',
    help: 'export the model again',
  });
}
