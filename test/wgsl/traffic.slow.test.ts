import { describe, expect, it } from 'vitest';
import { compileWgsl } from '../../backends/wgsl/emit.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { relayout } from '../../dialects/nn/relayout.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import { transform } from '../../src/api/compile.ts';
import { explainLaunches } from '../../src/api/explain/launches.ts';
import { runPipeline } from '../../src/api/pipeline.ts';
import { copyModule } from '../../src/api/read.ts';
import { type Module, type Op, storedBytes, type Value } from '../../src/ir/index.ts';
import { dimsOf, hasSharedModels, type SharedSample, sharedModel, sharedSamples } from '../models/sharedSamples.ts';

// What a program moves through a device's memory, counted: software adapters tell little about graphics processors.

/** Bytes read and written against the least: each layer's operands and results once. */
const most = 1.3;

const bytesOf = (value: Value | undefined): number => (value?.type.kind === 'tensor' ? storedBytes(value.type) : 0);

/** Layers that compute, after fusion: what only moves elements need not be done. */
const layersOf = ({ main }: Module): Op[] =>
  [...main.body.ops()].filter((op) => ![constant, reshape, transpose, relayout, returnOp].some((one) => one.is(op)));

describe.skipIf(!hasSharedModels)('memory traffic of shared models on a device (needs ../shared/models)', () => {
  it.each([
    ['resnet8_cifar10', 'float'],
    ['mbnet128_0.25_f', 'float'],
    ['resnet8_cifar10', 'w8a8'],
    ['mbnet128_0.25_f', 'w8a8'],
  ] as const)('%s in %s', async (name, scheme) => {
    const module = sharedModel(name);
    const sample = sharedSamples(name)[0] as SharedSample;
    const [dims, calibration] = [dimsOf(module, sample), [sample.inputs]];
    const { kernels } = await transform(module, { dims, scheme, calibration });
    const fused = copyModule(module);
    await runPipeline(module, kernels, { target: wgslTarget });
    await runPipeline(fused, 'require-static,decompose,uniform-shift,choose-layout,fuse-epilogues');

    const launches = explainLaunches(module, wgslTarget);
    const layers = layersOf(fused);
    expect(compileWgsl(module).info.launches.length).toBe(launches.length);

    const all = launches.reduce((n, one) => n + one.weightBytes + one.readBytes + one.writtenBytes, 0);
    const least = layers
      .flatMap(({ operands, results }) => [...operands, ...results])
      .reduce((n, v) => n + bytesOf(v), 0);
    console.log(
      `${name} in ${scheme}: ${launches.length} dispatches of ${layers.length} kernels after fusion; ` +
        `${all} bytes, ${(all / least).toFixed(2)} times the least`,
    );
    expect(launches.length).toBeLessThanOrEqual(layers.length);
    expect(all / least).toBeLessThanOrEqual(most);
  });
});
