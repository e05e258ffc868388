/** The charts of a report's page. */

import { type Codes, count, data, element, type Histogram, type Layer, make } from './reportData.ts';

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

declare const Plot: PlotLibrary;

/** The values that codes stand for, where they are few enough to draw. */
export function gridOf({ storage, scale, zeroPoint }: Codes): number[] {
  const bits = Number(/\d+/.exec(storage)?.[0] ?? 0);
  if (typeof scale !== 'number' || bits === 0 || bits > 8) return [];
  const lowest = storage.startsWith('u') ? 0 : -(2 ** (bits - 1));
  return Array.from({ length: 2 ** bits }, (_, i) => (lowest + i - zeroPoint) * scale);
}

/** A histogram with a tick for each code. */
export function histogramChart(
  title: string,
  histogram: Histogram,
  grid: readonly number[],
  detail: string,
): HTMLElement {
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

export function codesText(one: Codes | undefined): string {
  if (!one) return '';
  const { storage, scale, zeroPoint } = one;
  const text =
    typeof scale === 'number' ? scale.toPrecision(4) : `${scale.min.toPrecision(3)} … ${scale.max.toPrecision(3)}`;
  return `${storage}, scale ${text}${zeroPoint ? `, zero point ${zeroPoint}` : ''}`;
}

export function precisionChart(precision: NonNullable<Layer['precision']>): HTMLElement {
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

export function memoryChart(): void {
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

export function timeChart(): void {
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
      x: { label: 'µs, median of runs; the line is what the roofline model predicts', grid: true, axis: 'both' },
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
