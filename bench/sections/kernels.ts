import type { KernelCase } from '../cases/case.ts';
import { floatMatmul, integerMatmul } from '../cases/matmul.ts';
import { nbitsMatmul } from '../cases/nbits.ts';
import { shapes } from '../cases/shapes.ts';
import { smallCases } from '../cases/small.ts';
import { streamingBytes, timeCase } from '../cases/timed.ts';
import { type Effort, limitOf, type Section, type SectionResult } from '../section.ts';
import { type Spread, spread } from '../stats.ts';
import { markdown, number, percent, times } from '../table.ts';

const square = { rows: 512, depth: 512, columns: 512 };
const row = { rows: 1, depth: 4096, columns: 4096 };

const cases: readonly (() => KernelCase)[] = [
  () => integerMatmul(square),
  () => floatMatmul(square),
  () => integerMatmul(row),
  () => nbitsMatmul(row, 'w4a8'),
  () => nbitsMatmul(row, 'float'),
  () => nbitsMatmul(square, 'w4a8'),
  ...smallCases,
];

async function measureAll(cases: readonly (() => KernelCase)[], effort: Effort): Promise<SectionResult> {
  const rows: string[][] = [];
  const figures: Record<string, Spread> = {};
  for (const make of cases) {
    const one = make();
    console.error(`measuring ${one.name} …`);
    for (const { path, milliseconds, overWeb, overNode, overTf, ofPeak, limits } of await timeCase(one, effort)) {
      const { median } = spread(milliseconds);
      const gops = number((2 * one.multiplyAdds) / median / 1e6);
      const gigabytes = number(one.bytes / median / 1e6);
      const peak = ofPeak ? `${percent(ofPeak.median)} of ${one.bytes >= streamingBytes ? 'reading' : 'port'}` : '–';
      rows.push([
        one.name,
        path,
        number(median),
        gops,
        gigabytes,
        times(overWeb),
        times(overNode),
        overTf ? times(overTf) : '–',
        peak,
        limits ? times(limits.overWeb) : '–',
      ]);
      figures[`${one.name}, ${path}, over onnxruntime-web`] = overWeb;
      figures[`${one.name}, ${path}, over onnxruntime-node`] = overNode;
      if (overTf) figures[`${one.name}, ${path}, over TensorFlow.js`] = overTf;
      if (ofPeak) figures[`${one.name}, ${path}, of its bound`] = ofPeak;
      if (!limits) continue;
      figures[limitOf(`${one.name}, ${path}, over onnxruntime-web`)] = limits.overWeb;
      figures[limitOf(`${one.name}, ${path}, over onnxruntime-node`)] = limits.overNode;
      figures[limitOf(`${one.name}, ${path}, of its bound`)] = limits.ofPeak;
    }
  }
  const header = [
    'operation',
    'path',
    'ms',
    'GOPS',
    'GB/s of weights',
    'faster than onnxruntime-web',
    'than onnxruntime-node',
    'than TensorFlow.js',
    'of the bound',
    'onnxruntime-web beside the limit',
  ];
  const note =
    'The limit is reading the weights, or the tile of registers with all that it loads, rounds and stores, in the first cache.';
  return { text: `${note}\n\n${markdown(header, rows)}`, figures };
}

/** Single operations on each path, in turns with both of onnxruntime's builds and with what bounds them. */
export const kernels: Section = {
  name: 'kernels',
  title: 'Single operations',
  measure: (effort) => measureAll(cases, effort),
};

/** Fewer and shorter rounds: there are many. */
const lighter = (effort: Effort): Effort => ({
  ...effort,
  rounds: Math.ceil(effort.rounds / 3),
  sliceMilliseconds: effort.sliceMilliseconds / 2,
});

/** The same operations in other sizes: where sizes are small, what a call costs; where they are large, the cache. */
export const kernelShapes: Section = {
  name: 'shapes',
  title: 'Single operations, by shape',
  measure: (effort) => measureAll(shapes, lighter(effort)),
};
