import type { GraphEdge, GraphNode, GraphView } from './view.ts';

/** A view in which groups of nodes stand as one, and what is in them. */
export interface FoldedView {
  readonly view: GraphView;
  /** What is in each group, by the id of the node that stands for it. */
  readonly groups: ReadonlyMap<string, GraphView>;
}

/** Nodes that a picture shows at once; larger graphs are folded. */
const most = 60;

/**
 * Folds a large graph by module: nodes whose names share a path (`/layers.0/attn/…`) become one node each; names
 * without paths are folded by stretches of the graph. A graph of at most 60 nodes stays as it is.
 */
export function foldView(view: GraphView): FoldedView {
  if (view.nodes.length <= most) return { view, groups: new Map() };
  const groupOf = assignGroups(view.nodes.filter(({ kind }) => kind === 'op'));
  const members = new Map<string, GraphNode[]>();
  for (const [node, group] of groupOf) members.set(group, [...(members.get(group) ?? []), node]);
  const standIn = new Map<string, string>();
  const nodes: GraphNode[] = view.nodes.filter(({ kind }) => kind === 'input');
  const groups = new Map<string, GraphView>();
  for (const [group, inside] of members) {
    const [first] = inside;
    if (inside.length === 1 && first) {
      nodes.push(first);
      continue;
    }
    const id = `group${groups.size}`;
    for (const node of inside) standIn.set(node.id, id);
    nodes.push(groupNode(id, group, inside));
    groups.set(id, part(view, group, new Set(inside.map((node) => node.id))));
  }
  nodes.push(...view.nodes.filter(({ kind }) => kind === 'output'));
  const place = (id: string) => standIn.get(id) ?? id;
  return { view: { name: view.name, nodes, edges: joined(view.edges, place) }, groups };
}

/** Each op's group: the shortest common path that leaves few enough groups, or a stretch of the order. */
function assignGroups(ops: readonly GraphNode[]): ReadonlyMap<GraphNode, string> {
  const paths = ops.map(({ source }) => source.split(/[/.]/).filter((word) => word !== ''));
  const deepest = Math.max(0, ...paths.map((path) => path.length - 1));
  for (let depth = deepest; depth >= 1; depth--) {
    const names = paths.map((path) => path.slice(0, Math.min(depth, path.length - 1)).join('/'));
    const count = new Set(names).size;
    if (count >= 2 && count <= most) {
      return new Map(ops.map((op, i) => [op, names[i] || '(no module)']));
    }
  }
  const stretch = Math.ceil(ops.length / Math.ceil(Math.sqrt(ops.length)));
  return new Map(
    ops.map((op, i) => {
      const from = i - (i % stretch);
      const [first, last] = [ops[from], ops[Math.min(from + stretch, ops.length) - 1]];
      return [op, `${nameOf(first)} … ${nameOf(last)} (${from / stretch + 1})`];
    }),
  );
}

const nameOf = (node: GraphNode | undefined): string => node?.source || node?.label || '';

function groupNode(id: string, name: string, inside: readonly GraphNode[]): GraphNode {
  const counts = new Map<string, number>();
  for (const { label } of inside) counts.set(label, (counts.get(label) ?? 0) + 1);
  const details = [...counts].sort((a, b) => b[1] - a[1]).map(([label, count]) => `${count} ${label}`);
  const known = inside.flatMap(({ snr }) => (snr === undefined ? [] : [snr]));
  const change = inside.find(({ change: one }) => one !== undefined && one !== 'same') ? 'changed' : undefined;
  return {
    id,
    kind: 'op',
    label: details.slice(0, 2).join(', '),
    source: name,
    details: details.slice(0, 4),
    ...(known.length > 0 ? { snr: Math.min(...known) } : {}),
    ...(change ? { change } : {}),
  };
}

/** The part of a view inside a group, with the nodes that it gets values from and gives values to. */
function part(view: GraphView, name: string, inside: ReadonlySet<string>): GraphView {
  const edges = view.edges.filter(({ from, to }) => inside.has(from) || inside.has(to));
  const touched = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const nodes = view.nodes
    .filter(({ id }) => inside.has(id) || touched.has(id))
    .map((node): GraphNode => (inside.has(node.id) ? node : { ...node, kind: 'input' }));
  return { name, nodes, edges };
}

/** Edges between the nodes that stand for their ends, each once. */
function joined(edges: readonly GraphEdge[], place: (id: string) => string): GraphEdge[] {
  const seen = new Map<string, GraphEdge>();
  for (const edge of edges) {
    const [from, to] = [place(edge.from), place(edge.to)];
    if (from !== to) seen.set(`${from} ${to} ${edge.label}`, { ...edge, from, to });
  }
  return [...seen.values()];
}
