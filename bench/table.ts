import type { Spread } from './stats.ts';

/** A table in Markdown. Columns after the first are set to the right. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Three significant digits, never in powers of ten from 0.0001 up. */
export function number(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** `1.85× (1.8–1.9)`: median and quartiles. */
export function times({ median, low, high }: Spread): string {
  return `${median.toFixed(2)}× (${low.toFixed(2)}–${high.toFixed(2)})`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Bytes in units of 1024. */
export function kib(bytes: number): string {
  return `${number(bytes / 1024)} KiB`;
}
