/** The script of a report's page: the graph, what is known of the chosen layer, and the table of layers. */

import { codesText, gridOf, histogramChart, memoryChart, precisionChart, timeChart } from './reportCharts.ts';
import { count, data, decibel, element, make, percent } from './reportData.ts';

/** What is used of D3: zooming by wheel, drag and double click. */
interface ZoomLibrary {
  select(node: Element): { call(behavior: unknown, ...args: unknown[]): void };
  zoom(): {
    on(event: string, listener: (event: { transform: object }) => void): unknown;
    scaleBy: unknown;
    translateBy: unknown;
    transform: unknown;
  };
  zoomIdentity: { translate(x: number, y: number): { scale(k: number): object } };
}

declare const d3: ZoomLibrary;

/** Moves the picture that is shown by a distance in its own units before zooming. */
let movePicture: (x: number, y: number) => void = () => {};

const layers = new Map(data.layers.map((layer) => [layer.layer, layer]));
const diagnoses = new Map(data.diagnosis.map((one) => [one.node, one]));
const codes = new Map(data.quantization.map((one) => [one.node, one]));

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  const filled = rows.filter(([, value]) => value !== '');
  return make('dl', {}, ...filled.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

/** Shows what is known of a layer. */
function showLayer(name: string): void {
  const layer = layers.get(name);
  if (!layer) return;
  const [diagnosis, own] = [diagnoses.get(name), codes.get(name)];
  const launches = data.launches.filter((one) => one.layer === name);
  const microseconds = launches.reduce((sum, { median }) => sum + median, 0);
  const weightCodes = own?.operands.w ?? own?.operands.b;
  const pane = element('layer');
  pane.replaceChildren(
    make('h2', { tabindex: '-1' }, name || '(no name)'),
    facts([
      ['operations', layer.ops.join(', ')],
      ['gives', layer.type],
      ['multiply-adds', layer.multiplyAdds ? count(layer.multiplyAdds) : ''],
      ['weights', layer.weightCount ? count(layer.weightCount) : ''],
      [
        'time',
        launches.length > 0
          ? `${microseconds.toFixed(1)} µs in ${launches.map(({ kernel }) => kernel).join(', ')}`
          : '',
      ],
      ['instruction', launches.flatMap(({ instruction }) => instruction ?? []).join(', ')],
      ['error alone', decibel(diagnosis?.isolated)],
      ['error with all', decibel(diagnosis?.cumulative)],
      ['what it alone does to the output', decibel(diagnosis?.damage)],
      ['weights that become 0', diagnosis ? percent(diagnosis.zeroWeights) : ''],
      ['values that become 0', diagnosis ? percent(diagnosis.zeroValues) : ''],
      ['values clipped', diagnosis ? percent(diagnosis.clippedValues) : ''],
    ]),
    ...(layer.weights
      ? [histogramChart('Weights', layer.weights, weightCodes ? gridOf(weightCodes) : [], codesText(weightCodes))]
      : []),
    ...(layer.values
      ? [histogramChart('Values', layer.values, own?.result ? gridOf(own.result) : [], codesText(own?.result))]
      : []),
    ...(layer.precision ? [precisionChart(layer.precision)] : []),
  );
  for (const row of document.querySelectorAll('#layers tr')) {
    row.classList.toggle('chosen', (row as HTMLElement).dataset.layer === name);
  }
  for (const node of document.querySelectorAll<SVGElement>('#graph g.node')) {
    node.classList.toggle('chosen', node.dataset.layer === name);
  }
}

/** Puts a picture into the graph's pane; nodes answer to clicks and to Enter. */
function showGraph(picture: string): void {
  const template = element<HTMLTemplateElement>(`graph-${picture}`);
  const pane = element('graph');
  pane.replaceChildren(template.content.cloneNode(true));
  element('back').hidden = picture === 'main';
  const svg = pane.querySelector('svg');
  if (!svg) return;
  const inner = svg.querySelector('g') as SVGGElement;
  const start = inner.getAttribute('transform') ?? '';
  svg.setAttribute('width', '100%');
  svg.setAttribute('height', '100%');
  const zoom = d3.zoom();
  zoom.on('zoom', ({ transform }) => inner.setAttribute('transform', `${transform} ${start}`));
  d3.select(svg).call(zoom);
  const { width, height } = svg.viewBox.baseVal;
  const fitted = Math.min(pane.clientWidth / width, pane.clientHeight / height);
  // a tall graph begins at its top, large enough to be read
  if (fitted < 1) {
    const scale = Math.min(1 / fitted, pane.clientWidth / width / fitted);
    const start = d3.zoomIdentity.translate((width * (1 - scale)) / 2, 0).scale(scale);
    d3.select(svg).call(zoom.transform, start);
  }
  movePicture = (x, y) => d3.select(svg).call(zoom.translateBy, x, y);
  for (const id of ['closer', 'further']) {
    element(id).onclick = () => d3.select(svg).call(zoom.scaleBy, id === 'closer' ? 1.5 : 1 / 1.5);
  }
  for (const node of svg.querySelectorAll<SVGElement>('g.node')) {
    const id = node.querySelector('title')?.textContent ?? '';
    const name = data.nodes[picture]?.[id] ?? '';
    const opens = document.getElementById(`graph-${id}`) !== null && picture === 'main';
    node.dataset.layer = name;
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'button');
    node.setAttribute('aria-label', opens ? `open ${name}` : name);
    const act = () => (opens ? showGraph(id) : showLayer(name));
    node.addEventListener('click', act);
    node.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      act();
    });
  }
}

/** The picture in which a layer is drawn. */
function pictureOf(name: string): string {
  return Object.keys(data.nodes).find((picture) => Object.values(data.nodes[picture] ?? {}).includes(name)) ?? 'main';
}

/** Shows a layer in its picture, in the middle, and what is known of it. */
function choose(name: string): void {
  showGraph(pictureOf(name));
  showLayer(name);
  centre(document.querySelector<SVGGraphicsElement>('#graph g.chosen'));
  document.querySelector('.panes')?.scrollIntoView({ block: 'nearest' });
}

function centre(node: SVGGraphicsElement | null): void {
  const matrix = (node?.parentNode as SVGGraphicsElement | null)?.getScreenCTM();
  if (!node || !matrix) return;
  const [shown, pane] = [node.getBoundingClientRect(), element('graph').getBoundingClientRect()];
  const x = pane.left + pane.width / 2 - (shown.left + shown.width / 2);
  const y = pane.top + pane.height / 2 - (shown.top + shown.height / 2);
  movePicture(x / matrix.a, y / matrix.d);
}

/** The table of layers; a click on a head sorts by it. */
function fillTable(): void {
  const body = element('layers').querySelector('tbody') as HTMLElement;
  const time = new Map<string, number>();
  for (const { layer, median } of data.launches) time.set(layer, (time.get(layer) ?? 0) + median);
  const rows = data.layers.map(({ layer, ops, multiplyAdds, weightCount }) => {
    const diagnosis = diagnoses.get(layer);
    const cells = [
      layer || '(no name)',
      ops.join(' '),
      multiplyAdds ? count(multiplyAdds) : '',
      weightCount ? count(weightCount) : '',
      time.has(layer) ? (time.get(layer) as number).toFixed(1) : '',
      ...(diagnoses.size > 0 ? [diagnosis?.isolated, diagnosis?.cumulative, diagnosis?.damage].map(decibel) : []),
    ];
    const row = make('tr', { tabindex: '0', 'data-layer': layer }, ...cells.map((cell) => make('td', {}, cell)));
    row.addEventListener('click', () => choose(layer));
    row.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') choose(layer);
      const next = key === 'ArrowDown' ? row.nextElementSibling : key === 'ArrowUp' ? row.previousElementSibling : null;
      (next as HTMLElement | null)?.focus();
    });
    return row;
  });
  body.replaceChildren(...rows);
  const heads = [...element('layers').querySelectorAll<HTMLElement>('th button')];
  heads.forEach((head, column) => {
    let upward = true;
    head.onclick = () => {
      const key = (row: Element): string => row.children[column]?.textContent ?? '';
      const number = (text: string) =>
        text === '' ? Number.NEGATIVE_INFINITY : Number.parseFloat(text.replaceAll(',', ''));
      const sorted = [...body.children].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        return column < 2 ? x.localeCompare(y) : number(x) - number(y);
      });
      upward = !upward;
      body.replaceChildren(...(upward ? sorted.reverse() : sorted));
    };
  });
}

/** Only rows, nodes, and folded parts with nodes, whose names hold the text stay clear. */
function search(text: string): void {
  const wanted = text.toLowerCase();
  const fits = (name: string | undefined) => (name ?? '').toLowerCase().includes(wanted);
  for (const row of document.querySelectorAll<HTMLElement>('#layers tbody tr'))
    row.hidden = !fits(row.textContent ?? '');
  for (const node of document.querySelectorAll<SVGElement>('#graph g.node')) {
    const inside = Object.values(data.nodes[node.querySelector('title')?.textContent ?? ''] ?? {});
    node.classList.toggle('faint', wanted !== '' && ![node.textContent ?? '', ...inside].some(fits));
  }
}

showGraph('main');
fillTable();
memoryChart();
timeChart();
const worst = data.diagnosis.find(({ node }) => layers.has(node))?.node;
const first = worst ?? data.layers[0]?.layer;
if (first !== undefined) showLayer(first);
element('back').onclick = () => showGraph('main');
const box = element<HTMLInputElement>('search');
box.oninput = () => search(box.value);
box.onkeydown = ({ key }) => {
  const found = document.querySelector<HTMLElement>('#layers tbody tr:not([hidden])');
  if (key === 'Enter' && found) choose(found.dataset.layer ?? '');
};
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && document.activeElement !== box) showGraph('main');
  if (event.key !== '/' || document.activeElement === box) return;
  event.preventDefault();
  box.focus();
});
