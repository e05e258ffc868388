import type { Graphviz } from '@hpcc-js/wasm-graphviz';
import { countChanges, diffViews, foldView, type GraphView, toDot } from '../graph/index.ts';
import { type GraphStep, graphIndex } from './graphIndex.ts';
import { writeFolder } from './outputFolder.ts';

/**
 * Writes a folder of pictures: each view, what changed from the one before it, and a page that lists them. The views
 * are there as JSON too, so that `qc diff` compares any two.
 * @throws QcError when the folder can't be written
 */
export async function writeGraphs(folder: string, title: string, views: readonly GraphView[]): Promise<void> {
  // heavy: loaded only when graphs are asked for
  const graphviz = await (await import('@hpcc-js/wasm-graphviz')).Graphviz.load();
  const files = new Map<string, Uint8Array>();
  const steps: GraphStep[] = [];
  for (const [i, view] of views.entries()) {
    const stem = `${`${i}`.padStart(2, '0')}-${view.name.replaceAll(/\W+/g, '-')}`;
    const earlier = views[i - 1];
    const changes = earlier && diffViews(earlier, view);
    writeView(files, graphviz, stem, view);
    files.set(`${stem}.json`, encode(JSON.stringify(withoutNoise(view))));
    if (changes) writeView(files, graphviz, `${stem}.changes`, changes);
    steps.push({ name: view.name, stem, nodes: view.nodes.length, changes: changes && countChanges(changes) });
  }
  files.set('index.html', encode(graphIndex(title, steps)));
  writeFolder(folder, files);
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** JSON has no word for the infinite ratio of what is exact, and comparisons do not read it. */
function withoutNoise({ name, nodes, edges }: GraphView): GraphView {
  return { name, nodes: nodes.map(({ snr: _, ...node }) => node), edges };
}

/** Whether a document is a view that `writeGraphs` has written. */
export function isView(document: unknown): document is GraphView {
  const { name, nodes, edges } = (document ?? {}) as Partial<Record<keyof GraphView, unknown>>;
  return typeof name === 'string' && Array.isArray(nodes) && Array.isArray(edges);
}

/** The picture of a view, and one of each group that is folded in it. */
function writeView(files: Map<string, Uint8Array>, graphviz: Graphviz, stem: string, view: GraphView): void {
  const { view: outer, groups } = foldView(view);
  const link = (id: string) => (groups.has(id) ? `${stem}.${id}.svg` : undefined);
  const write = (name: string, dot: string) => {
    files.set(`${name}.dot`, encode(dot));
    files.set(`${name}.svg`, encode(graphviz.dot(dot)));
  };
  write(stem, toDot(outer, link));
  for (const [id, inside] of groups) write(`${stem}.${id}`, toDot(inside));
}
