import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Figures, isLimit } from './section.ts';

/** The figures of the last release. */
const file = new URL('released.json', import.meta.url);

/** The share of a figure that may be lost from release to release: machines are noisy. */
const allowedLoss = 0.15;

const released = (): Record<string, number> => JSON.parse(readFileSync(file, 'utf8'));

/** Remembers figures for the next `regressions`, beside those of sections that were measured before. */
export function saveFigures(figures: Figures): void {
  const medians = Object.entries(figures)
    .filter(([name]) => !isLimit(name))
    .map(([name, { median }]) => [name, Number(median.toPrecision(4))]);
  const all = { ...(existsSync(file) ? released() : {}), ...Object.fromEntries(medians) };
  writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
}

/** A line for each figure that has lost more than 15 % since the last release. */
export function regressions(figures: Figures): string[] {
  if (!existsSync(file))
    throw new Error('there are no figures of a release yet: `npm run bench -- --quick --save` makes them');
  return Object.entries(released()).flatMap(([name, before]) => {
    const now = figures[name]?.median;
    if (now === undefined || now >= before * (1 - allowedLoss)) return [];
    return [
      `${name}: ${now.toFixed(2)} after ${before.toFixed(2)}, a loss of ${((1 - now / before) * 100).toFixed(0)} %`,
    ];
  });
}
