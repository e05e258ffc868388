/**
 * Prints what weights of few bits cost a small decoder: perplexity on the dev text of stories260K, by the rules of the
 * shared models. `node --no-warnings bench/perplexity.ts`, with the shared models beside the project; SCHEME… measures
 * those alone. `--write` puts the rows that were measured into docs/recipes.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { evaluate, importOnnx, type Recipe, type Sample, type SchemeName } from '../src/index.ts';
import type { HostTensor } from '../src/support/tensor.ts';
import type { Part } from './accuracy/arrays.ts';
import { storyWindows } from './accuracy/texts.ts';
import { mergedTable, writeMarkedTable } from './markedTable.ts';
import { kib, markdown } from './table.ts';

const shared = '../shared';
const length = 256;

const bytesOf = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));

/** The stories of a part as samples, and what follows each token. */
function windows(part: Part): { samples: Sample[]; labels: HostTensor } {
  const all = storyWindows(part, length);
  const labels = Int32Array.from(all.flatMap((window) => window.labels));
  return {
    samples: all.map(({ inputs }) => inputs),
    labels: { dtype: 'i32', shape: [all.length, length], data: labels },
  };
}

const gptq = (name: string, scheme: SchemeName): Recipe => ({ name, scheme, weights: { rounding: 'gptq' } });

/** Every 16 outputs have 2, 3, 4, 6 or 8 bits, in the space of the scheme's width. */
const mixed = (name: string, scheme: SchemeName): Recipe => ({
  ...{ name, scheme },
  weights: { rounding: 'gptq', mixed: [2, 3, 4, 6, 8] },
});

const contenders: readonly (SchemeName | Recipe)[] = [
  ...(['w8a16', 'w8a8-dynamic', 'w4a16', 'w4a8'] as const),
  { name: 'w4a8, integer scales', scheme: 'w4a8', weights: { scale: 'integer' } },
  'int8',
  {
    ...{ name: 'int8, 4-bit weights in groups', scheme: 'int8' },
    weights: { storage: 'i4', granularity: 'group', group: 32, scale: 'integer' },
  },
  gptq('w4a16 by GPTQ', 'w4a16'),
  mixed('w4a16, mixed widths by GPTQ', 'w4a16'),
  'w3a16',
  gptq('w3a16 by GPTQ', 'w3a16'),
  mixed('w3a16, mixed widths by GPTQ', 'w3a16'),
  'w2a16',
  gptq('w2a16 by GPTQ', 'w2a16'),
  ...(['mxfp4', 'nvfp4', 'nf4', 'ternary'] as const),
];

const nameOf = (scheme: SchemeName | Recipe): string => (typeof scheme === 'string' ? scheme : (scheme.name as string));

async function report(named: readonly string[], write: boolean): Promise<void> {
  const { samples, labels } = windows('dev');
  const { schemes } = await evaluate(importOnnx(bytesOf('models/stories260K.onnx')), {
    dims: { T: length },
    schemes: contenders.filter((scheme) => named.length === 0 || named.includes(nameOf(scheme))),
    calibration: windows('calib').samples,
    dataset: samples,
    labels,
    metrics: ['perplexity', 'top1'],
  });
  const rows = schemes.map(({ scheme, metrics, weightsBytes }) => [
    scheme,
    (metrics.perplexity?.value ?? Number.NaN).toFixed(4),
    `${(100 * (metrics.top1?.value ?? 0)).toFixed(2)} %`,
    kib(weightsBytes),
  ]);
  const table = markdown(['scheme', 'perplexity', 'next token right', 'constants'], rows);
  console.log(table);
  if (write) {
    writeMarkedTable('docs/recipes.md', 'bench/perplexity.ts', (lines) =>
      mergedTable(lines, table, ['float', ...contenders.map(nameOf)]),
    );
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
if (existsSync(`${shared}/models`)) await report(positionals, values.write);
else console.log(`skipped: ${shared}/models is absent`);
