/**
 * Prints what weights of few bits cost a small decoder: perplexity on the dev text of stories260K, by the rules of the
 * shared models. `node bench/perplexity.ts`, with the shared models beside the project; SCHEME… measures those alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readNpy } from '../src/calibrate/data/index.ts';
import { evaluate, importOnnx, type Recipe, type Sample, type SchemeName } from '../src/index.ts';
import type { HostTensor } from '../src/support/tensor.ts';
import { kib, markdown } from './table.ts';

const shared = '../shared';
const length = 256;
const begin = 1;

const bytesOf = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));

/** Windows of each story without overlap: inputs, filled up with 1, and what follows each, −1 behind the story's end. */
function windows(path: string): { samples: Sample[]; labels: HostTensor } {
  const tokens = Array.from(readNpy(bytesOf(path), path).data as Int32Array);
  const starts = tokens.flatMap((token, i) => (token === begin ? [i] : []));
  const stories = starts.map((start, i) => tokens.slice(start, starts[i + 1]));
  const rows = stories.flatMap((story) =>
    Array.from({ length: Math.ceil((story.length - 1) / length) }, (_, i) =>
      story.slice(i * length, (i + 1) * length + 1),
    ),
  );
  const filled = (row: readonly number[], from: number, filler: number) =>
    Array.from({ length }, (_, i) => (i + 1 < row.length ? (row[i + from] as number) : filler));
  return {
    samples: rows.map((row) => ({
      input_ids: { dtype: 'i64', shape: [1, length], data: BigInt64Array.from(filled(row, 0, begin), BigInt) },
    })),
    labels: {
      dtype: 'i32',
      shape: [rows.length, length],
      data: Int32Array.from(rows.flatMap((row) => filled(row, 1, -1))),
    },
  };
}

const gptq = (name: string, scheme: SchemeName): Recipe => ({ name, scheme, weights: { rounding: 'gptq' } });

const contenders: readonly (SchemeName | Recipe)[] = [
  ...(['w8a16', 'w8a8-dynamic', 'w4a16', 'w4a8'] as const),
  gptq('w4a16 by GPTQ', 'w4a16'),
  'w3a16',
  gptq('w3a16 by GPTQ', 'w3a16'),
  'w2a16',
  gptq('w2a16 by GPTQ', 'w2a16'),
  ...(['mxfp4', 'nvfp4', 'nf4', 'ternary'] as const),
];

if (!existsSync(`${shared}/models`)) {
  console.log(`skipped: ${shared}/models is absent`);
} else {
  const named = process.argv.slice(2);
  const nameOf = (scheme: SchemeName | Recipe) => (typeof scheme === 'string' ? scheme : scheme.name);
  const { samples, labels } = windows('data/stories/dev_tokens.npy');
  const { schemes } = await evaluate(importOnnx(bytesOf('models/stories260K.onnx')), {
    dims: { T: length },
    schemes: contenders.filter((scheme) => named.length === 0 || named.includes(nameOf(scheme) ?? '')),
    calibration: windows('data/stories/calib_tokens.npy').samples,
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
  console.log(markdown(['scheme', 'perplexity', 'next token right', 'constants'], rows));
}
