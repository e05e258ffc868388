import type { SchemeName } from '../src/index.ts';
import { type Machine, machineLine } from './machine.ts';
import type { ModelResult } from './measureModel.ts';
import { geometricMean } from './stats.ts';
import { kib, markdown, number, percent, times } from './table.ts';

function timeTable(results: readonly ModelResult[]): string {
  const header = [
    'model',
    'scheme',
    'path',
    'ms a run',
    'onnxruntime-web ms',
    'faster than it',
    'onnxruntime-node ms',
    'faster than it',
    'largest error of range',
    'same top-1',
    'SNR dB',
  ];
  const rows = results.flatMap(({ model, classifies, ortWeb, ortNode, timed }) =>
    timed.map(({ scheme, path, time, overOrtWeb, overOrtNode, agreement }) => [
      model,
      scheme,
      path,
      number(time.median),
      number(ortWeb.median),
      times(overOrtWeb),
      number(ortNode.median),
      times(overOrtNode),
      number(agreement.error),
      classifies ? percent(agreement.top1) : '–',
      agreement.snr.toFixed(1),
    ]),
  );
  return markdown(header, rows);
}

function means(results: readonly ModelResult[]): string {
  const all = results.flatMap(({ timed }) => timed);
  const kinds = [...new Set(all.map(({ scheme, path }) => `${scheme} ${path}`))];
  const rows = kinds.map((kind) => {
    const ratios = all.filter(({ scheme, path }) => `${scheme} ${path}` === kind).map((t) => t.overOrtWeb.median);
    return [kind, `${geometricMean(ratios).toFixed(2)}×`, `${Math.min(...ratios).toFixed(2)}×`];
  });
  return markdown(['against onnxruntime-web in float', 'geometric mean', 'least'], rows);
}

function sizeTable(results: readonly ModelResult[]): string {
  const rows = results.flatMap(({ model, sizes }) =>
    Object.entries(sizes).map(([name, { code, script, weights, gzipped }]) => [
      model,
      name,
      kib(code),
      kib(script),
      kib(weights),
      kib(gzipped),
    ]),
  );
  return markdown(['model', 'runtime', 'code', 'script', 'weights or model', 'all, gzipped'], rows);
}

function startTable(results: readonly ModelResult[]): string {
  const rows = results.flatMap(({ model, firstAnswer, compileMilliseconds }) =>
    firstAnswer.qc.map(({ scheme, time, ratio }) => [
      model,
      scheme,
      number(time.median),
      number(firstAnswer.ortWeb.median),
      times(ratio),
      number(compileMilliseconds[scheme as SchemeName] ?? Number.NaN),
    ]),
  );
  return markdown(
    ['model', 'scheme', 'first answer ms', 'onnxruntime-web ms', 'faster than it', 'compile time ms'],
    rows,
  );
}

/** Everything as Markdown. */
export function reportText(machine: Machine, results: readonly ModelResult[]): string {
  const skipped = results.flatMap(({ model, skipped }) => skipped.map((line) => `- ${model}, ${line}`));
  return [
    machineLine(machine),
    'Medians of interleaved rounds, quartiles in brackets; results are checked against onnxruntime-node in float first.',
    timeTable(results),
    means(results),
    ...(skipped.length > 0 ? [`Not measured:\n${skipped.join('\n')}`] : []),
    sizeTable(results),
    startTable(results),
  ].join('\n\n');
}
