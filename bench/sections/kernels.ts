import type { KernelCase } from '../cases/case.ts';
import { floatMatmul, integerMatmul } from '../cases/matmul.ts';
import { nbitsMatmul } from '../cases/nbits.ts';
import { smallCases } from '../cases/small.ts';
import { interleave } from '../interleave.ts';
import { peakRunner, peakWork, readRunner } from '../peaks.ts';
import { ortNode } from '../peers/ortNode.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import { tfjs } from '../peers/tfjs.ts';
import { type InstructionPath, wasmRunner } from '../qc.ts';
import { onlyOutput, type Runner } from '../runner.ts';
import { type Effort, rounds, type Section } from '../section.ts';
import { ratio, type Spread, spread } from '../stats.ts';
import { markdown, number, percent, times } from '../table.ts';

const square = { rows: 512, depth: 512, columns: 512 };
const row = { rows: 1, depth: 4096, columns: 4096 };

/** Where an operation reads at least so much, it is held against reading alone, not against the port. */
const streamingBytes = 4 << 20;

const cases: readonly (() => KernelCase)[] = [
  () => integerMatmul(square),
  () => floatMatmul(square),
  () => integerMatmul(row),
  () => nbitsMatmul(row, 'w4a8'),
  () => nbitsMatmul(row, 'float'),
  () => nbitsMatmul(square, 'w4a8'),
  ...smallCases,
];

interface Timed {
  readonly path: InstructionPath;
  readonly milliseconds: readonly number[];
  readonly overWeb: Spread;
  readonly overNode: Spread;
  readonly overTf: Spread | undefined;
  /** Share of what the machine's port, or its memory, gives. */
  readonly ofPeak: Spread | undefined;
}

async function timeCase(one: KernelCase, effort: Effort): Promise<Timed[]> {
  const inputs = { x: one.input };
  const peers: Runner[] = [];
  for (const make of [ortWeb, ortNode]) {
    const peer = await make({ bytes: one.onnx });
    peers.push({ name: peer.name, run: () => peer.run({ x: one.onnxInput }) });
  }
  const expected = onlyOutput(await (peers[1] as Runner).run(inputs));
  const tf = one.tf && (await tfjs(one.tf, one.onnxInput));
  const wrong = tf && one.error(tf.results(), expected);
  if (wrong) throw new Error(`${one.name}, TensorFlow.js: wrong results are not timed: ${wrong}`);
  const own: { path: InstructionPath; runner: Runner; peak: Runner | undefined; peakShare: number }[] = [];
  for (const path of ['relaxed', 'baseline'] as const) {
    const runner = await wasmRunner(one, path);
    if (!runner) continue;
    const wrong = one.error(onlyOutput(await runner.run(inputs)), expected);
    if (wrong) throw new Error(`${one.name}, ${runner.name}: wrong results are not timed: ${wrong}`);
    const streams = one.bytes >= streamingBytes;
    const port = one.peaks?.[path];
    const peak = streams ? await readRunner(one.bytes) : port && (await peakRunner(port));
    // Both in work a millisecond: bytes read, or multiply-adds.
    const peakShare = streams || !port ? 1 : one.multiplyAdds / peakWork(port);
    own.push({ path, runner, peak: peak || undefined, peakShare });
  }
  const runners = [
    ...peers,
    ...(tf ? [tf] : []),
    ...own.flatMap(({ runner, peak }) => (peak ? [runner, peak] : [runner])),
  ];
  const timed = await interleave(runners, inputs, rounds(effort));
  const timesOf = (runner: Runner) => timed[runners.indexOf(runner)] as number[];
  return own.map(({ path, runner, peak, peakShare }) => {
    const milliseconds = timesOf(runner);
    const scaled = peak && timesOf(peak).map((time) => time * peakShare);
    return {
      path,
      milliseconds,
      overWeb: ratio(timed[0] as number[], milliseconds),
      overNode: ratio(timed[1] as number[], milliseconds),
      overTf: tf && ratio(timesOf(tf), milliseconds),
      ofPeak: scaled && ratio(scaled, milliseconds),
    };
  });
}

/** Single operations on each path, in turns with both of onnxruntime's builds and with what bounds them. */
export const kernels: Section = {
  name: 'kernels',
  title: 'Single operations',
  async measure(effort) {
    const rows: string[][] = [];
    const figures: Record<string, Spread> = {};
    for (const make of cases) {
      const one = make();
      console.error(`measuring ${one.name} …`);
      for (const { path, milliseconds, overWeb, overNode, overTf, ofPeak } of await timeCase(one, effort)) {
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
        ]);
        figures[`${one.name}, ${path}, over onnxruntime-web`] = overWeb;
        figures[`${one.name}, ${path}, over onnxruntime-node`] = overNode;
        if (overTf) figures[`${one.name}, ${path}, over TensorFlow.js`] = overTf;
        if (ofPeak) figures[`${one.name}, ${path}, of its bound`] = ofPeak;
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
    ];
    return { text: markdown(header, rows), figures };
  },
};
