/** The script of a report's page: the graph, what is known of the chosen layer, tables and charts. */

interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

interface Fidelity {
  readonly snr: number | null;
  readonly cosine: number;
}

interface Layer {
  readonly layer: string;
  readonly ops: readonly string[];
  readonly type: string;
  readonly multiplyAdds: number;
  readonly weightCount: number;
  readonly weights?: Histogram;
  readonly precision?: readonly { readonly bits: number; readonly snr: number | null }[];
  readonly values?: Histogram;
}

interface Codes {
  readonly storage: string;
  readonly scale: number | { readonly min: number; readonly max: number };
  readonly zeroPoint: number;
}

interface Diagnosis {
  readonly node: string;
  readonly damage: Fidelity;
  readonly isolated: Fidelity;
  readonly cumulative: Fidelity;
  readonly zeroWeights: number;
  readonly zeroValues: number;
  readonly clippedValues: number;
}

interface ReportData {
  readonly name: string;
  readonly scheme: string;
  readonly layers: readonly Layer[];
  readonly diagnosis: readonly Diagnosis[];
  readonly quantization: readonly {
    readonly node: string;
    readonly operands: Readonly<Record<string, Codes>>;
    readonly result?: Codes;
  }[];
  readonly launches: readonly {
    readonly layer: string;
    readonly op: string;
    readonly kernel: string;
    readonly instruction?: string;
    readonly median: number;
    readonly predicted: number;
    readonly multiplyAdds: number;
    readonly weightBytes: number;
  }[];
  readonly arena: {
    readonly bytes: number;
    readonly launches: number;
    readonly buffers: readonly {
      readonly layer: string;
      readonly offset: number;
      readonly bytes: number;
      readonly from: number;
      readonly to: number;
    }[];
  };
  /** The layer that each node of a picture stands for, by picture and by the node's id. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What is used of Observable Plot. */
interface PlotLibrary {
  plot(options: object): Element;
  rectY(data: unknown, options: object): unknown;
  rect(data: unknown, options: object): unknown;
  barX(data: unknown, options: object): unknown;
  lineY(data: unknown, options: object): unknown;
  dot(data: unknown, options: object): unknown;
  ruleX(data: unknown, options?: object): unknown;
  tickX(data: unknown, options: object): unknown;
  ruleY(data: unknown, options?: object): unknown;
  text(data: unknown, options: object): unknown;
  tip(data: unknown, options: object): unknown;
  pointer(options: object): object;
}

/** What is used of D3: zooming by wheel, drag and double click. */
interface ZoomLibrary {
  select(node: Element): { call(behavior: unknown, ...args: unknown[]): void };
  zoom(): {
    on(event: string, listener: (event: { transform: object }) => void): unknown;
    scaleBy: unknown;
    transform: unknown;
  };
  zoomIdentity: { translate(x: number, y: number): { scale(k: number): object } };
}

declare const Plot: PlotLibrary;
declare const d3: ZoomLibrary;

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const data: ReportData = JSON.parse(element('data').textContent ?? '');
const layers = new Map(data.layers.map((layer) => [layer.layer, layer]));
const diagnoses = new Map(data.diagnosis.map((one) => [one.node, one]));
const codes = new Map(data.quantization.map((one) => [one.node, one]));

/** An element with attributes, and texts or elements in it. */
function make(tag: string, attributes: Readonly<Record<string, string>>, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const decibel = (fidelity: Fidelity | undefined): string =>
  fidelity === undefined ? '' : fidelity.snr === null ? 'exact' : `${fidelity.snr.toFixed(1)} dB`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const count = (n: number): string => n.toLocaleString('en');

/** The values that codes stand for, where they are few enough to draw. */
function gridOf({ storage, scale, zeroPoint }: Codes): number[] {
  const bits = Number(/\d+/.exec(storage)?.[0] ?? 0);
  if (typeof scale !== 'number' || bits === 0 || bits > 8) return [];
  const lowest = storage.startsWith('u') ? 0 : -(2 ** (bits - 1));
  return Array.from({ length: 2 ** bits }, (_, i) => (lowest + i - zeroPoint) * scale);
}

/** A histogram with a tick for each code. */
function histogramChart(title: string, histogram: Histogram, grid: readonly number[], detail: string): HTMLElement {
  const { min, max, counts } = histogram;
  const width = (max - min) / counts.length || 1;
  const bars = counts.map((n, i) => ({ from: min + i * width, to: min + (i + 1) * width, n }));
  const inside = grid.filter((value) => value >= min - width && value <= max + width);
  const chart = Plot.plot({
    width: 420,
    height: 150,
    marginLeft: 48,
    ariaLabel: title,
    y: { type: 'sqrt', label: 'values', ticks: 3 },
    x: { label: null },
    marks: [
      Plot.rectY(bars, { x1: 'from', x2: 'to', y: 'n', fill: 'var(--accent)' }),
      Plot.ruleX(inside, { stroke: 'currentColor', strokeOpacity: 0.25, strokeWidth: 0.5 }),
      Plot.ruleY([0]),
    ],
  });
  return make('figure', {}, make('figcaption', {}, `${title}${detail ? `: ${detail}` : ''}`), chart);
}

function codesText(one: Codes | undefined): string {
  if (!one) return '';
  const { storage, scale, zeroPoint } = one;
  const text =
    typeof scale === 'number' ? scale.toPrecision(4) : `${scale.min.toPrecision(3)} … ${scale.max.toPrecision(3)}`;
  return `${storage}, scale ${text}${zeroPoint ? `, zero point ${zeroPoint}` : ''}`;
}

function precisionChart(precision: NonNullable<Layer['precision']>): HTMLElement {
  const points = precision.filter(({ snr }) => snr !== null);
  const chart = Plot.plot({
    width: 420,
    height: 150,
    marginLeft: 48,
    ariaLabel: 'weights by width',
    x: { label: 'bits', ticks: points.map(({ bits }) => bits), tickFormat: 'd' },
    y: { label: 'dB', grid: true },
    marks: [
      Plot.lineY(points, { x: 'bits', y: 'snr', stroke: 'var(--accent)' }),
      Plot.dot(points, { x: 'bits', y: 'snr', fill: 'var(--accent)', tip: true }),
    ],
  });
  return make(
    'figure',
    {},
    make('figcaption', {}, 'Sensitivity: what 2 to 8 bits leave of the weights, a scale for each output'),
    chart,
  );
}

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

function choose(name: string): void {
  const picture = pictureOf(name);
  showGraph(picture);
  showLayer(name);
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
      decibel(diagnosis?.isolated),
      decibel(diagnosis?.cumulative),
      decibel(diagnosis?.damage),
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

/** Only rows and nodes whose names hold the text stay clear. */
function search(text: string): void {
  const wanted = text.toLowerCase();
  const fits = (name: string | undefined) => (name ?? '').toLowerCase().includes(wanted);
  for (const row of document.querySelectorAll<HTMLElement>('#layers tbody tr'))
    row.hidden = !fits(row.textContent ?? '');
  for (const node of document.querySelectorAll<SVGElement>('#graph g.node')) {
    node.classList.toggle('faint', wanted !== '' && !fits(node.textContent ?? ''));
  }
}

function memoryChart(): void {
  const { buffers, bytes, launches } = data.arena;
  const boxes = buffers.map((one) => ({ ...one, end: one.to + 1, top: one.offset + one.bytes }));
  element('memory').append(
    Plot.plot({
      width: 900,
      height: 320,
      marginLeft: 70,
      ariaLabel: 'the arena over time',
      x: { label: 'launch', domain: [0, launches] },
      y: { label: 'byte of the arena', domain: [0, bytes], grid: true },
      color: { scheme: 'tableau10' },
      marks: [
        Plot.rect(boxes, {
          x1: 'from',
          x2: 'end',
          y1: 'offset',
          y2: 'top',
          fill: 'var(--accent)',
          fillOpacity: 0.6,
          stroke: 'currentColor',
          strokeOpacity: 0.5,
        }),
        Plot.tip(
          boxes,
          Plot.pointer({
            x1: 'from',
            x2: 'end',
            y1: 'offset',
            y2: 'top',
            title: (box: { layer: string; bytes: number }) => `${box.layer}\n${count(box.bytes)} bytes`,
          }),
        ),
      ],
    }),
  );
}

function timeChart(): void {
  const rows = data.launches
    .map((one, i) => ({ ...one, label: `${i}  ${one.layer || one.op}` }))
    .sort((a, b) => b.median - a.median)
    .slice(0, 40);
  element('time').append(
    Plot.plot({
      width: 900,
      height: 40 + 18 * rows.length,
      marginLeft: 260,
      ariaLabel: 'time by launch',
      x: { label: 'µs, median of runs; the line is what the roofline model predicts', grid: true },
      y: { label: null, domain: rows.map(({ label }) => label) },
      marks: [
        Plot.barX(rows, {
          x: 'median',
          y: 'label',
          fill: 'var(--accent)',
          title: (row: { op: string; kernel: string }) => `${row.op}\n${row.kernel}`,
        }),
        Plot.tickX(rows, { x: 'predicted', y: 'label', stroke: 'currentColor', strokeWidth: 2 }),
      ],
    }),
  );
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
addEventListener('keydown', (event) => {
  if (event.key !== '/' || document.activeElement === box) return;
  event.preventDefault();
  box.focus();
});
