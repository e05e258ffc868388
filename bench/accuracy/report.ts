import { markdown, percent } from '../table.ts';
import type { Accuracy } from './measure.ts';
import { tasks } from './tasks.ts';

const decibels = (snr: number) => (Number.isFinite(snr) ? `${snr.toFixed(1)} dB` : 'equal');
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const share = (value: number) => `${(100 * value).toFixed(2)} %`;

/** A line for each model and scheme. */
export function accuracyTable(results: readonly Accuracy[]): string {
  const exported = results.some((result) => result.exported);
  const header = [
    'model',
    'scheme',
    'SNR',
    'peer',
    'as float',
    'score',
    'float',
    'beyond peer',
    '95 % bound',
    'integers',
    ...(exported ? ['exported', 'same answer'] : []),
  ];
  const rows = results.map((result) => {
    const { model, scheme, snr, agreement, score, gain, integerShare } = result;
    const peer = tasks.find(({ name }) => name === model)?.peer;
    return [
      model,
      `\`${scheme}\``,
      decibels(snr),
      peer ? decibels(peer.snr) : '–',
      share(agreement),
      score ? `${score.title} ${score.value.toFixed(4)}` : '–',
      score ? score.float.toFixed(4) : '–',
      gain ? signed(gain.value) : '–',
      gain ? signed(gain.low) : '–',
      percent(integerShare),
      ...(exported ? exportedCells(result) : []),
    ];
  });
  return markdown(header, rows);
}

const exportedCells = ({ exported }: Accuracy) =>
  exported ? [decibels(exported.snr), share(exported.agreement)] : ['–', '–'];
