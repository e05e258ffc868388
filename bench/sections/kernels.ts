import { runWasm } from '../../backends/wasm/host.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { stagesFor } from '../../src/api/pipeline.ts';
import { runPipeline } from '../../src/index.ts';
import type { KernelCase } from '../cases/case.ts';
import { floatMatmul, integerMatmul } from '../cases/matmul.ts';
import { nbitsMatmul } from '../cases/nbits.ts';
import { smallCases } from '../cases/small.ts';
import { interleave } from '../interleave.ts';
import { peakRunner, peakWork, readRunner } from '../peaks.ts';
import { ortNode } from '../peers/ortNode.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import type { InstructionPath } from '../qc.ts';
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

/** Undefined where the operation has no kernels in relaxed SIMD, or the machine has none. */
async function qcRunner(one: KernelCase, path: InstructionPath): Promise<Runner | undefined> {
  const module = one.module();
  const stages = stagesFor(one.scheme);
  await runPipeline(module, stages.model, { calibration: [{ x: one.input }] });
  await runPipeline(module, stages.kernels, { target: wasmTarget });
  const program = await runWasm(module, { simd: path === 'relaxed' ? 'auto' : path });
  if (program.simd !== path) return undefined;
  return { name: `qc ${path}`, run: ({ x }) => program.run({ x: (x ?? one.input).data }) };
}

interface Timed {
  readonly path: InstructionPath;
  readonly milliseconds: readonly number[];
  readonly overWeb: Spread;
  readonly overNode: Spread;
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
  const own: { path: InstructionPath; runner: Runner; peak: Runner | undefined; peakShare: number }[] = [];
  for (const path of ['relaxed', 'baseline'] as const) {
    const runner = await qcRunner(one, path);
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
  const runners = [...peers, ...own.flatMap(({ runner, peak }) => (peak ? [runner, peak] : [runner]))];
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
      for (const { path, milliseconds, overWeb, overNode, ofPeak } of await timeCase(one, effort)) {
        const { median } = spread(milliseconds);
        const gops = number((2 * one.multiplyAdds) / median / 1e6);
        const gigabytes = number(one.bytes / median / 1e6);
        const peak = ofPeak ? `${percent(ofPeak.median)} of ${one.bytes >= streamingBytes ? 'reading' : 'port'}` : '–';
        rows.push([one.name, path, number(median), gops, gigabytes, times(overWeb), times(overNode), peak]);
        figures[`${one.name}, ${path}, over onnxruntime-web`] = overWeb;
        figures[`${one.name}, ${path}, over onnxruntime-node`] = overNode;
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
      'of the bound',
    ];
    return { text: markdown(header, rows), figures };
  },
};
