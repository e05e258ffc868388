import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/calibrate/data/index.ts';
import { compile, declareStates, importOnnx, instantiate } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { relativeError, session, type Tensors } from './onnxruntime.ts';

// Models that return their state, run by programs that keep it, against onnxruntime that is handed it back.

const shared = '../shared';
const bytesOf = (path: string) => new Uint8Array(readFileSync(`${shared}/${path}`));
const array = (path: string) => readNpy(bytesOf(path), path);
const steps = 50;

/** Frames of 512 samples with the last 64 of the frame before, as the model takes them: [count, 576]. */
function sileroInputs(frames: HostTensor, stream: number, count: number): HostTensor[] {
  const [, perStream = 0] = frames.shape;
  const data = frames.data as Float32Array;
  const frame = (f: number) => data.subarray((stream * perStream + f) * 512, (stream * perStream + f + 1) * 512);
  return Array.from({ length: count }, (_, f) => {
    const input = new Float32Array(576);
    if (f > 0) input.set(frame(f - 1).subarray(448));
    input.set(frame(f), 64);
    return { dtype: 'f32', shape: [1, 576], data: input };
  });
}

const rate: HostTensor = { dtype: 'i64', shape: [], data: BigInt64Array.of(16000n) };

interface Case {
  readonly name: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly states: (outputs: readonly string[]) => Record<string, string>;
  readonly inputs: (step: number) => Tensors;
}

const cases: readonly Case[] = [
  {
    name: 'silero_vad_16k_op15',
    dims: { batch: 1, sequence: 576 },
    states: () => ({ stateN: 'state' }),
    inputs: (() => {
      let frames: HostTensor[] | undefined;
      return (step) => {
        frames ??= sileroInputs(array('data/silero/dev_frames.npy'), 0, steps);
        return { input: frames[step] as HostTensor, sr: rate };
      };
    })(),
  },
  {
    name: 'mamba_char_step',
    dims: {},
    states: (outputs) =>
      Object.fromEntries(
        outputs.filter((name) => name.startsWith('present')).map((name) => [name, name.replace('present', 'past')]),
      ),
    inputs: (step) => ({
      input_ids: { dtype: 'i64', shape: [1, 1], data: BigInt64Array.of(BigInt((step * 17 + 3) % 65)) },
    }),
  },
];

describe.skipIf(!existsSync(`${shared}/models`))(
  'models with states (skipped where ../shared/models is absent)',
  () => {
    it.each(cases)(
      '$name agrees with onnxruntime over 50 steps',
      async ({ name, dims, states, inputs }) => {
        const bytes = bytesOf(`models/${name}.onnx`);
        const module = importOnnx(bytes, { symbols: dims });
        const state = states(module.main.resultNames);
        const { files, manifest } = await compile(module, { target: 'wasm', state });
        const kept = manifest.signature.states ?? [];
        const model = await instantiate(files);
        const run = await session(bytes);
        let carried: Tensors = model.saveState();
        let worst = 0;
        for (let step = 0; step < steps; step++) {
          const results = await run({ ...inputs(step), ...carried });
          const answers = model.run(inputs(step));
          for (const [output, tensor] of Object.entries(answers)) {
            worst = Math.max(worst, relativeError(tensor, results[output] as HostTensor));
          }
          carried = Object.fromEntries(kept.map(({ name, output }) => [name, results[output] as HostTensor]));
        }
        for (const [input, tensor] of Object.entries(model.saveState())) {
          worst = Math.max(worst, relativeError(tensor, carried[input] as HostTensor));
        }
        expect(worst).toBeLessThan(1e-3);
      },
      300_000,
    );

    it('silero under w8a8, calibrated on a stream that carries its state', async () => {
      const bytes = bytesOf('models/silero_vad_16k_op15.onnx');
      const module = importOnnx(bytes, { symbols: { batch: 1, sequence: 576 } });
      declareStates(module, { stateN: 'state' });
      const inputs = sileroInputs(array('data/silero/calib_frames.npy'), 0, 60);
      const calibration = inputs.map((input) => ({ input, sr: rate }));
      const { files } = await compile(module, { target: 'wasm', scheme: 'w8a8', calibration });
      const model = await instantiate(files);
      const run = await session(bytes);
      let state = model.saveState().state as HostTensor;
      const answers: [number, number][] = [];
      for (const input of sileroInputs(array('data/silero/dev_frames.npy'), 0, 200)) {
        const results = await run({ input, sr: rate, state });
        state = results.stateN as HostTensor;
        const [quantized, wanted] = [model.run({ input, sr: rate }).output, results.output];
        answers.push([quantized?.data[0] as number, wanted?.data[0] as number]);
      }
      const agreeing = answers.filter(([a, b]) => a >= 0.5 === b >= 0.5).length;
      expect(agreeing / answers.length).toBeGreaterThanOrEqual(0.95);
    }, 300_000);
  },
);
