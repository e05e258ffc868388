import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { compileWgsl } from '../../backends/wgsl/emit.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { transform } from '../../src/api/compile.ts';
import { explainLaunches } from '../../src/api/explain/launches.ts';
import { runPipeline } from '../../src/api/pipeline.ts';
import { copyModule } from '../../src/api/read.ts';
import { type Module, storedBytes, type Value } from '../../src/ir/index.ts';
import { dimsOf, hasSharedModels, type SharedSample, sharedModel, sharedSamples } from '../models/sharedSamples.ts';

// What a program moves through a device's memory, counted: software adapters tell little about graphics processors.

/** Bytes read and written against the least: each layer's operands and results once. */
const most = 1.3;

const bytesOf = (value: Value | undefined): number => (value?.type.kind === 'tensor' ? storedBytes(value.type) : 0);

/** Operands and results of every layer once, after fusion and without borders. */
function leastBytes({ main }: Module): number {
  const layers = [...main.body.ops()].filter((op) => !op.definition.terminator && !constant.is(op) && !reshape.is(op));
  return layers.flatMap(({ operands, results }) => [...operands, ...results]).reduce((n, v) => n + bytesOf(v), 0);
}

describe.skipIf(!hasSharedModels)('memory traffic of shared models on a device (needs ../shared/models)', () => {
  it.each(['resnet8_cifar10', 'mbnet128_0.25_f'])('%s in float', async (name) => {
    const module = sharedModel(name);
    const { kernels } = await transform(module, { dims: dimsOf(module, sharedSamples(name)[0] as SharedSample) });
    const [fused, onWasm] = [copyModule(module), copyModule(module)];
    await runPipeline(module, kernels, { target: wgslTarget });
    await runPipeline(onWasm, kernels, { target: wasmTarget });
    await runPipeline(fused, 'require-static,decompose,fuse-epilogues');

    const launches = explainLaunches(module, wgslTarget);
    expect(compileWgsl(module).info.launches.length).toBe(launches.length);
    expect(launches.length).toBeLessThanOrEqual(explainLaunches(onWasm, wasmTarget).length);

    const borders = launches.filter(({ op }) => op === 'nn.pad');
    const sum = (list: typeof launches) =>
      list.reduce((n, { weightBytes, readBytes, writtenBytes }) => n + weightBytes + readBytes + writtenBytes, 0);
    const [all, least] = [sum(launches), leastBytes(fused)];
    const inBorders = sum(borders);
    console.log(
      `${name}: ${launches.length} dispatches, ${borders.length} of them borders; ${all} bytes, ` +
        `${(all / least).toFixed(2)} times the least, ${((all - inBorders) / least).toFixed(2)} without borders`,
    );
    expect((all - inBorders) / least).toBeLessThanOrEqual(most);
  });
});
