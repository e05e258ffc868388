import type { Change } from '../graph/index.ts';
import { escapeMarkup } from './markup.ts';

/** One graph of a dump: its pictures, and what changed from the one before it. */
export interface GraphStep {
  readonly name: string;
  /** The files' names without their endings. */
  readonly stem: string;
  readonly nodes: number;
  readonly changes: Readonly<Record<Change, number>> | undefined;
}

/** The page that lists the pictures of a dump and shows one beside the list; arrow keys step through them. */
export function graphIndex(title: string, steps: readonly GraphStep[]): string {
  const rows = steps.map(({ name, stem, nodes, changes }) => {
    const count = changes ? `+${changes.added} −${changes.removed} ~${changes.changed}` : '';
    const difference = changes ? ` <a href="${stem}.changes.svg" target="graph" title="what changed">${count}</a>` : '';
    return `<li><a href="${stem}.svg" target="graph">${escapeMarkup(name)}</a> <small>${nodes} nodes</small>${difference}</li>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
  body { margin: 0; display: grid; grid-template-columns: 20rem 1fr; height: 100vh; }
  nav { overflow: auto; padding: 1rem; border-right: 1px solid #8884; }
  ol { padding-left: 1.5rem; }
  iframe { border: 0; width: 100%; height: 100%; background: #fff; }
  @media (prefers-color-scheme: dark) { iframe { filter: invert(.9) hue-rotate(180deg); } }
</style>
<nav>
  <h1>${title}</h1>
  <p>Each graph, and what changed from the one before it: + added, − removed, ~ other types or attributes. A node with a heavy border opens. Where an error is known it is the colour: green 40 dB and more, red below 10 dB.</p>
  <p>Any two: <code>qc diff A.json B.json --dump-graph DIR</code></p>
  <ol start="0">
    ${rows.join('\n    ')}
  </ol>
</nav>
<iframe name="graph" title="graph" src="${steps[0]?.stem ?? ''}.svg"></iframe>
<script>
  const links = [...document.querySelectorAll('li > a:first-child')];
  let at = 0;
  addEventListener('keydown', ({ key }) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step) return;
    at = Math.min(links.length - 1, Math.max(0, at + step));
    links[at].click();
    links[at].focus();
  });
</script>
</html>
`;
}
