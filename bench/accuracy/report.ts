import { markdown, percent } from '../table.ts';
import type { Accuracy } from './measure.ts';
import { tasks } from './tasks.ts';

const decibels = (snr: number) => (Number.isFinite(snr) ? `${snr.toFixed(1)} dB` : 'equal');
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const share = (value: number) => `${(100 * value).toFixed(2)} %`;

/** The heads of the columns that every table has, and of those that only what ran exported models has. */
const heads = [
  'model',
  'scheme',
  'samples',
  'SNR',
  'peer',
  'as float',
  'score',
  'float',
  'beyond peer',
  '95 % bound',
  'integers',
];
const exportedHeads = ['exported', 'same answer'];

function cellsOf(result: Accuracy): string[] {
  const { model, scheme, samples, snr, agreement, score, gain, integerShare } = result;
  const peer = tasks.find(({ name }) => name === model)?.peer;
  return [
    model,
    `\`${scheme}\``,
    `${samples}`,
    decibels(snr),
    peer ? decibels(peer.snr) : '–',
    share(agreement),
    score ? `${score.title} ${score.value.toFixed(4)}` : '–',
    score ? score.float.toFixed(4) : '–',
    gain ? signed(gain.value) : '–',
    gain ? signed(gain.low) : '–',
    percent(integerShare),
  ];
}

/** A line for each model and scheme. */
export function accuracyTable(results: readonly Accuracy[]): string {
  const exported = results.some((result) => result.exported);
  const rows = results.map((result) => [...cellsOf(result), ...(exported ? exportedCells(result) : [])]);
  return markdown([...heads, ...(exported ? exportedHeads : [])], rows);
}

/** A table with exported models in which `results` take the place of earlier ones of their models. */
export function updatedTable(lines: readonly string[], results: readonly Accuracy[]): string {
  const measured = new Set(results.map(({ model }) => model));
  const earlier = lines.slice(2).map((line) => line.slice(2, -2).split(' | '));
  const rows = [
    ...earlier.filter(([model]) => !measured.has(model as string)),
    ...results.map((result) => [...cellsOf(result), ...exportedCells(result)]),
  ];
  const place = ([model]: readonly string[]) => tasks.findIndex(({ name }) => name === model);
  return markdown(
    [...heads, ...exportedHeads],
    rows.toSorted((a, b) => place(a) - place(b)),
  );
}

const exportedCells = ({ exported }: Accuracy) =>
  exported ? [decibels(exported.snr), share(exported.agreement)] : ['–', '–'];
