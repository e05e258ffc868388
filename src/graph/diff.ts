import type { Change, GraphEdge, GraphNode, GraphView } from './view.ts';

/** Nodes of two graphs that belong together have the same key: name of the layer, op, and which of these it is. */
function keysOf(view: GraphView): Map<string, GraphNode> {
  const counts = new Map<string, number>();
  const keyed = new Map<string, GraphNode>();
  for (const node of view.nodes) {
    const stem = `${node.kind} ${node.source} ${node.label}`;
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    keyed.set(`${stem} ${count}`, node);
  }
  return keyed;
}

/** Both graphs as one: what is in the second only is added, what is in the first only is removed. */
export function diffViews(before: GraphView, after: GraphView): GraphView {
  const [first, second] = [keysOf(before), keysOf(after)];
  const ids = { before: new Map<string, string>(), after: new Map<string, string>() };
  const nodes: GraphNode[] = [];
  const add = (key: string, node: GraphNode, change: Change) => {
    const id = `node${nodes.length}`;
    const [a, b] = [first.get(key), second.get(key)];
    if (a) ids.before.set(a.id, id);
    if (b) ids.after.set(b.id, id);
    nodes.push({ ...node, id, change });
  };
  for (const [key, node] of first) if (!second.has(key)) add(key, node, 'removed');
  for (const [key, node] of second) {
    const old = first.get(key);
    add(key, node, !old ? 'added' : old.details.join('\n') === node.details.join('\n') ? 'same' : 'changed');
  }
  const edges = new Map<string, GraphEdge>();
  const place = (view: GraphView, names: ReadonlyMap<string, string>, change: Change) => {
    for (const edge of view.edges) {
      const [from, to] = [names.get(edge.from), names.get(edge.to)];
      if (from === undefined || to === undefined) continue;
      const key = `${from} ${to}`;
      const known = edges.get(key);
      edges.set(key, { from, to, label: edge.label, change: known && known.change !== change ? 'same' : change });
    }
  };
  place(before, ids.before, 'removed');
  place(after, ids.after, 'added');
  return { name: `${before.name} → ${after.name}`, nodes, edges: [...edges.values()] };
}

/** How many nodes are added, removed and changed. */
export function countChanges(view: GraphView): Readonly<Record<Change, number>> {
  const counts = { same: 0, added: 0, removed: 0, changed: 0 };
  for (const { change = 'same' } of view.nodes) counts[change]++;
  return counts;
}
