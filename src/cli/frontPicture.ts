import { elementary } from '../numerics/index.ts';
import type { FrontPoint } from '../pass/index.ts';

const [width, height, margin] = [640, 400, 64];

/** The errors that budgets reach, over what they take, as SVG: both axes named, errors by their logarithms. */
export function frontPicture(points: readonly FrontPoint[]): string {
  const sizes = points.map(({ size }) => size);
  const errors = points.map(({ error }) => elementary.log(Math.max(error, 1e-12)));
  const x = scaled(sizes, margin, width - margin / 2);
  const y = scaled(errors, height - margin, margin / 2);
  const places = points.map((_, i) => `${x[i]},${y[i]}`);
  const marks = points.map(({ share, size, error }, i) => {
    const told = `${Math.round(100 * share)} %: ${size}, error ${error.toPrecision(3)}`;
    const label = `<text x="${(x[i] as number) + 8}" y="${(y[i] as number) - 6}">${Math.round(100 * share)} %</text>`;
    return `<g><title>${told}</title><circle cx="${x[i]}" cy="${y[i]}" r="4"/>${label}</g>`;
  });
  const [left, bottom] = [margin, height - margin];
  const ends = [
    tick(left, bottom + 18, 'start', Math.min(...sizes)),
    tick(width - margin / 2, bottom + 18, 'end', Math.max(...sizes)),
    tick(left - 6, bottom, 'end', Math.min(...points.map(({ error }) => error))),
    tick(left - 6, margin / 2 + 6, 'end', Math.max(...points.map(({ error }) => error))),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
<path d="M${left} ${margin / 2}V${bottom}H${width - margin / 2}" fill="none" stroke="gray"/>
<polyline points="${places.join(' ')}" fill="none" stroke="steelblue"/>
<g fill="steelblue">${marks.join('\n')}</g>
${ends.join('\n')}
<text x="${width / 2}" y="${height - 16}" text-anchor="middle">${points[0]?.unit ?? ''}</text>
<text x="16" y="${height / 2}" text-anchor="middle" transform="rotate(-90 16 ${height / 2})">error of the layers</text>
</svg>
`;
}

const tick = (x: number, y: number, anchor: string, value: number) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="gray">${Number(value.toPrecision(4))}</text>`;

/** Values between two ends of an axis, to a tenth. */
function scaled(values: readonly number[], from: number, to: number): number[] {
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  return values.map((value) => Math.round(10 * (from + ((to - from) * (value - least)) / span)) / 10);
}
