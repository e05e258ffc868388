import { interleave } from '../interleave.ts';
import { peakRunner, peakWork, readRunner } from '../peaks.ts';
import { ortNode } from '../peers/ortNode.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import { tfjs } from '../peers/tfjs.ts';
import { type InstructionPath, wasmRunner } from '../qc.ts';
import { onlyOutput, type Runner } from '../runner.ts';
import { type Effort, rounds } from '../section.ts';
import { ratio, type Spread } from '../stats.ts';
import { tileRunner, tileWork } from '../tiles.ts';
import type { KernelCase } from './case.ts';

/** Where an operation reads at least so much, it is held against reading alone, not against the port. */
export const streamingBytes = 4 << 20;

export interface Timed {
  readonly path: InstructionPath;
  readonly milliseconds: readonly number[];
  readonly overWeb: Spread;
  readonly overNode: Spread;
  readonly overTf: Spread | undefined;
  /** Share of what the machine's port, or its memory, gives. */
  readonly ofPeak: Spread | undefined;
  /** The same ratios for what bounds the kernel: reading alone, or its tile without all that is around it. */
  readonly limits: { readonly overWeb: Spread; readonly overNode: Spread; readonly ofPeak: Spread } | undefined;
}

/** A loop that a kernel is held against, and the part of it that is as much work as the kernel's. */
interface Bound {
  readonly runner: Runner;
  readonly share: number;
}

/** Both paths of a case, in turns with both of onnxruntime's builds and with what bounds them. */
export async function timeCase(one: KernelCase, effort: Effort): Promise<Timed[]> {
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
  const own: { path: InstructionPath; runner: Runner; peak: Bound | undefined; limit: Bound | undefined }[] = [];
  for (const path of ['relaxed', 'baseline'] as const) {
    const runner = await wasmRunner(one, path);
    if (!runner) continue;
    const wrong = one.error(onlyOutput(await runner.run(inputs)), expected);
    if (wrong) throw new Error(`${one.name}, ${runner.name}: wrong results are not timed: ${wrong}`);
    const streams = one.bytes >= streamingBytes;
    const port = one.peaks?.[path];
    const reading = streams ? { runner: await readRunner(one.bytes), share: 1 } : undefined;
    const peak = port && { runner: await peakRunner(port), share: one.multiplyAdds / peakWork(port) };
    const tile = port && { runner: await tileRunner(port), share: one.multiplyAdds / tileWork(port) };
    own.push({ path, runner, peak: reading ?? peak, limit: reading ?? tile });
  }
  const runners = [
    ...peers,
    ...(tf ? [tf] : []),
    ...own.flatMap(({ runner, peak, limit }) => [
      runner,
      ...new Set([peak, limit].flatMap((bound) => bound?.runner ?? [])),
    ]),
  ];
  const timed = await interleave(runners, inputs, rounds(effort));
  const timesOf = (runner: Runner) => timed[runners.indexOf(runner)] as number[];
  const scaled = (bound: Bound | undefined) => bound && timesOf(bound.runner).map((time) => time * bound.share);
  return own.map(({ path, runner, ...bounds }) => {
    const milliseconds = timesOf(runner);
    const [peak, limit] = [scaled(bounds.peak), scaled(bounds.limit)];
    return {
      path,
      milliseconds,
      overWeb: ratio(timed[0] as number[], milliseconds),
      overNode: ratio(timed[1] as number[], milliseconds),
      overTf: tf && ratio(timesOf(tf), milliseconds),
      ofPeak: peak && ratio(peak, milliseconds),
      limits: peak &&
        limit && {
          overWeb: ratio(timed[0] as number[], limit),
          overNode: ratio(timed[1] as number[], limit),
          ofPeak: ratio(peak, limit),
        },
    };
  });
}
