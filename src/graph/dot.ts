import type { Change, GraphNode, GraphView } from './view.ts';

const changeColors: Readonly<Record<Change, string>> = {
  same: '#f6f6f6',
  added: '#b7e4b7',
  removed: '#f3b9b9',
  changed: '#ffe39c',
};

/** Fills by signal-to-noise ratio in dB, from the least that a step allows. */
export const snrColors: readonly (readonly [number, string])[] = [
  [40, '#c9e7c9'],
  [30, '#e2efc0'],
  [20, '#fdeeb0'],
  [10, '#fbcf9d'],
  [Number.NEGATIVE_INFINITY, '#f2a6a0'],
];

const dialectColors: Readonly<Record<string, string>> = {
  nn: '#e8eef7',
  quant: '#efe6f5',
  int: '#e2f0ea',
  kernel: '#f3ece0',
};

/**
 * A view as a Graphviz digraph.
 * @param link the address of a node's own picture, where it has one
 */
export function toDot(view: GraphView, link: (id: string) => string | undefined = () => undefined): string {
  return [
    `digraph ${quoted(view.name)} {`,
    '  rankdir = TB; bgcolor = "transparent"; ranksep = 0.3; nodesep = 0.2;',
    '  node [shape = box, style = "filled,rounded", fontname = "Helvetica", fontsize = 10, margin = "0.12,0.06", color = "#777777"];',
    '  edge [fontname = "Helvetica", fontsize = 8, color = "#777777", fontcolor = "#555555", arrowsize = 0.6];',
    ...view.nodes.map((node) => `  ${node.id} ${nodeAttributes(node, link(node.id))};`),
    ...view.edges.map(({ from, to, label, change }) => {
      const color = change === 'added' ? ', color = "#2e8b2e"' : change === 'removed' ? ', color = "#c03030"' : '';
      // away from the line: browsers set the text wider than Graphviz reckons
      return `  ${from} -> ${to} [label = ${quoted(`   ${label}`)}${color}];`;
    }),
    '}',
    '',
  ].join('\n');
}

function nodeAttributes(node: GraphNode, url: string | undefined): string {
  const { kind, label, source, details, snr } = node;
  const named = source !== label && source !== '' ? [source] : [];
  const noise =
    snr === undefined ? [] : [`${Number.isFinite(snr) ? snr.toFixed(1) : 'exact'}${Number.isFinite(snr) ? ' dB' : ''}`];
  const lines = kind === 'op' ? [label, ...named, ...noise] : [label, ...details];
  const attributes = [
    `label = ${quoted(lines.join('\n'))}`,
    `tooltip = ${quoted([source || label, ...details].join('\n'))}`,
    `fillcolor = "${fill(node)}"`,
    ...(kind === 'op' ? [] : ['shape = ellipse']),
    ...(url === undefined ? [] : [`URL = ${quoted(url)}`, 'penwidth = 2']),
  ];
  return `[${attributes.join(', ')}]`;
}

function fill({ kind, label, snr, change }: GraphNode): string {
  if (change !== undefined) return changeColors[change];
  if (snr !== undefined) return (snrColors.find(([least]) => snr >= least) as readonly [number, string])[1];
  return kind === 'op' ? (dialectColors[label.split('.')[0] ?? ''] ?? '#f6f6f6') : '#ffffff';
}

/** A text as DOT writes it: nothing of a name gets out of its quotes. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}
