import { reportRuntime } from '../../runtime-strings/report.ts';
import type { Evaluation } from '../api/evaluate.ts';
import type { Report } from '../api/report/report.ts';
import { countText, sizeText } from '../api/summary.ts';
import { snrColors } from '../graph/index.ts';
import { escapeMarkup } from './markup.ts';
import { decibelText, percentText } from './table.ts';

/** The pictures of a report's graph: `main` and one for each group, as SVG elements. */
export type Pictures = Readonly<Record<string, string>>;

/** JSON that may stand inside a script element: nothing in it ends the element. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** A script's text that may stand inside a script element. */
function embeddedScript(text: string): string {
  return text.replaceAll('</script', '<\\/script');
}

/**
 * The page of a report: everything in one file, nothing from the network.
 * @param libraries the texts of D3 and Observable Plot, in this order
 */
export function reportPage(report: Report, pictures: Pictures, libraries: readonly string[]): string {
  const { graph, evaluation, ...shown } = report;
  const nodes = Object.fromEntries(
    [['main', graph.view] as const, ...Object.entries(graph.groups)].map(([name, view]) => [
      name,
      Object.fromEntries(view.nodes.map(({ id, source }) => [id, source])),
    ]),
  );
  const shownHeads = [...heads, ...(report.diagnosis.length > 0 ? diagnosisHeads : [])];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(report.name)}: ${escapeMarkup(report.scheme)}</title>
<style>${style}</style>
</head>
<body>
<header>
  <h1>${escapeMarkup(report.name)}</h1>
  <p>${escapeMarkup(summaryText(report))}</p>
  <label>Search <input id="search" type="search" placeholder="layer or operation ( / )"></label>
</header>
<main>
  <section class="panes">
    <div class="picture">
      <div class="tools">
        <button id="back" hidden>← whole graph</button>
        <button id="closer" aria-label="zoom in">+</button>
        <button id="further" aria-label="zoom out">−</button>
      </div>
      <div id="graph" aria-label="graph"></div>
      ${report.diagnosis.length > 0 ? legend : ''}
    </div>
    <article id="layer" aria-live="polite"></article>
  </section>
  ${evaluation ? `<section><h2>Schemes</h2>${schemesTable(evaluation)}</section>` : ''}
  <section>
    <h2>Layers</h2>
    <div class="scroll">
      <table id="layers">
        <thead><tr>${shownHeads.map((head) => `<th><button>${head}</button></th>`).join('')}</tr></thead>
        <tbody></tbody>
      </table>
    </div>
  </section>
  <section><h2>Memory</h2><p>Each box is a buffer: where it lies in the arena of ${sizeText(report.arena.bytes)}, and during which launches it is needed.</p><div id="memory" class="scroll"></div></section>
  <section><h2>Time</h2><p>Measured launch by launch on this report's machine.</p><div id="time" class="scroll"></div></section>
</main>
${Object.entries(pictures)
  .map(([name, svg]) => `<template id="graph-${name}">${svg}</template>`)
  .join('\n')}
<script type="application/json" id="data">${embedded({ ...shown, nodes })}</script>
${libraries.map((text) => `<script>${embeddedScript(text)}</script>`).join('\n')}
<script type="module">${embeddedScript(reportRuntime)}</script>
</body>
</html>
`;
}

/** What the fills of the graph mean, from the worst. */
const legend = `<p class="legend">error with all layers quantized, dB: ${snrColors
  .map(([least], i) => {
    const range = Number.isFinite(least) ? `${least} and more` : `below ${snrColors[i - 1]?.[0]}`;
    return `<span class="fill${i}">${i === 0 || !Number.isFinite(least) ? range : least}</span>`;
  })
  .toReversed()
  .join('')}</p>`;

const heads = ['layer', 'operations', 'multiply-adds', 'weights', 'µs'] as const;
const diagnosisHeads = ['error alone', 'error with all', 'alone on the output'] as const;

function summaryText({ scheme, multiplyAdds, integerShare, sizes, launches }: Report): string {
  const time = launches.reduce((sum, { median }) => sum + median, 0);
  return [
    scheme,
    `${countText(multiplyAdds)} multiply-adds, ${percentText(integerShare)} in integers`,
    `${sizeText(sizes.files)} to ship (weights ${sizeText(sizes.weights)})`,
    `RAM ${sizeText(sizes.ram)}`,
    `${(time / 1000).toFixed(2)} ms in wasm`,
  ].join(' · ');
}

const metricHeads: Readonly<Record<string, string>> = { snr: 'SNR, dB', mse: 'MSE', top1: 'top 1', top5: 'top 5' };

function schemesTable({ schemes, metrics, samples, result }: Evaluation): string {
  const head = ['scheme', 'weights', 'in integers', ...metrics]
    .map((cell) => `<th>${escapeMarkup(metricHeads[cell] ?? cell)}</th>`)
    .join('');
  const rows = schemes.map(({ scheme, weightsBytes, integerShare, metrics: values }) => {
    const cells = metrics.map((metric) => {
      const estimate = values[metric];
      if (!estimate) return '';
      const text = (value: number) =>
        metric === 'snr' ? decibelText(value) : metric === 'mse' ? value.toPrecision(3) : percentText(value);
      return `${text(estimate.value)} <small>(${text(estimate.low)} … ${text(estimate.high)})</small>`;
    });
    const plain = [escapeMarkup(scheme), sizeText(weightsBytes), percentText(integerShare)];
    return `<tr>${[...plain, ...cells].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<p>Output <b>${escapeMarkup(result)}</b>, ${samples} samples; in brackets 95 % of the bootstrap.</p><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

const style = `
:root { color-scheme: light dark; --accent: light-dark(#2b6cb0, #63b3ed); --line: light-dark(#0002, #fff3); --page: light-dark(#fff, #16181c); --paper: light-dark(#f7f8fa, #1f2228); font: 14px/1.5 system-ui, sans-serif; }
body { margin: 0; background: var(--page); }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.5rem; padding: .75rem 1.25rem; border-bottom: 1px solid var(--line); position: sticky; top: 0; background: var(--page); z-index: 1; }
h1 { font-size: 1.2rem; margin: 0; }
h2 { font-size: 1.05rem; }
main > section { padding: 0 1.25rem 1rem; }
.panes { scroll-margin-top: 4rem; display: grid; grid-template-columns: minmax(0, 1fr) 460px; gap: 1rem; padding-top: 1rem !important; }
@media (max-width: 900px) { .panes { grid-template-columns: 1fr; } }
.picture { position: relative; height: 70vh; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); overflow: hidden; }
#graph { height: 100%; }
#graph svg { display: block; cursor: grab; }
@media (prefers-color-scheme: dark) { #graph svg, .legend span { filter: invert(.87) hue-rotate(180deg); } }
.legend { position: absolute; bottom: 0; right: 0; margin: .4rem; font-size: .75rem; }
.legend span { color: #222; padding: .1rem .4rem; }
${snrColors.map(([, color], i) => `.legend .fill${i} { background: ${color}; }`).join('\n')}
#graph g.node { cursor: pointer; outline: none; }
#graph g.node:focus path, #graph g.node:focus ellipse, #graph g.chosen path, #graph g.chosen ellipse { stroke: #c05621; stroke-width: 3; }
#graph g.node[aria-label^="open "] path { stroke-width: 2; }
#graph g.faint { opacity: .2; }
.tools { position: absolute; top: .5rem; left: .5rem; display: flex; gap: .25rem; z-index: 1; }
#layer { height: 70vh; overflow: auto; border: 1px solid var(--line); border-radius: 6px; padding: 0 1rem; background: var(--paper); box-sizing: border-box; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
.scroll { overflow: auto; max-height: 70vh; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .75rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, #layers th:nth-child(2), #layers td:nth-child(2) { text-align: left; }
th { position: sticky; top: 0; background: var(--page); }
th button { font: inherit; font-weight: bold; border: 0; background: none; cursor: pointer; color: inherit; padding: 0; }
tbody tr[tabindex] { cursor: pointer; }
tr:focus, tr.chosen { background: color-mix(in srgb, var(--accent) 20%, transparent); outline: none; }
`;
