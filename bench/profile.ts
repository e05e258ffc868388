// Time of every kernel launch of a compiled model. Usage: node bench/profile.ts MODEL [float|w8a8] [--json]
import { parseArgs } from 'node:util';
import { emitModule } from '../backends/wasm/emit.ts';
import { loadWasmRuntime } from '../backends/wasm/host.ts';
import type { ModelInfo } from '../backends/wasm/package.ts';
import { type Program, readProgram } from '../backends/wasm/program.ts';
import { wasmTarget } from '../backends/wasm/target.ts';
import { launch } from '../dialects/kernel/index.ts';
import { bindDimensions } from '../src/api/dimensions.ts';
import { stagesFor } from '../src/api/pipeline.ts';
import { importOnnx, type Module, runPipeline, type SchemeName, schemeNames } from '../src/index.ts';
import { benchModels } from './models.ts';
import type { InstructionPath } from './qc.ts';
import { markdown, number, percent } from './table.ts';

const paths: readonly InstructionPath[] = ['baseline', 'relaxed'];
const rounds = 20;
const sliceMilliseconds = 6;

/** A launch of a planned program: what it computes and, by path, milliseconds. */
interface LaunchTime {
  readonly kernel: string;
  readonly multiplyAdds: number;
  readonly milliseconds: Record<InstructionPath, number>;
}

/** A program of one launch alone on a memory that holds what the whole program has left there. */
async function runnerOf(
  program: Program,
  index: number,
  path: InstructionPath,
  memory: Uint8Array,
): Promise<() => void> {
  const one = { ...program, launches: program.launches.slice(index, index + 1) };
  const { wasm, relaxed } = await emitModule(one, { weights: 'external' });
  const { instantiate } = await loadWasmRuntime();
  const info: ModelInfo = {
    symbols: program.symbols,
    inputs: program.inputs,
    outputs: program.outputs,
    states: program.states,
    relaxed,
    weights: { address: 0, bytes: memory.length, external: true },
  };
  const simd = relaxed === 'none' ? 'baseline' : path;
  const model = await instantiate(info, {}, { wasm, weights: memory, simd });
  return () => model.execute();
}

/** Milliseconds a call, over a slice of time. */
function timeOf(run: () => void): number {
  const start = performance.now();
  let runs = 0;
  let took = 0;
  while (took < sliceMilliseconds) {
    run();
    runs++;
    took = performance.now() - start;
  }
  return took / runs;
}

/** The least of several slices for each, in turn: what else the machine does only ever adds time. */
function leastTimes(runs: readonly (() => void)[]): number[] {
  const least = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) least[i] = Math.min(least[i] as number, timeOf(run));
  }
  return least;
}

async function planned(
  name: string,
  scheme: SchemeName,
): Promise<{ module: Module; memory: (p: Program) => Promise<Uint8Array> }> {
  const model = benchModels().find((one) => one.name === name);
  if (!model)
    throw new Error(
      `there is no model ${name}; there are ${benchModels()
        .map((m) => m.name)
        .join(', ')}`,
    );
  const module = importOnnx(model.bytes);
  await bindDimensions(module, model.dims);
  const calibration = model.rows('calib').map((row) => ({ [model.input]: row }));
  const { model: mathematics, kernels } = stagesFor(scheme);
  await runPipeline(module, mathematics, { calibration });
  await runPipeline(module, kernels, { target: wasmTarget });
  return {
    module,
    async memory(program) {
      const { wasm, relaxed } = await emitModule(program, { weights: 'inline' });
      const { instantiate } = await loadWasmRuntime();
      const weights = { address: program.weightsAddress, bytes: program.weights.length, external: false };
      const { symbols, inputs, outputs, states } = program;
      const info = { symbols, inputs, outputs, states, relaxed, weights };
      const whole = await instantiate(info, {}, { wasm, simd: 'baseline' });
      whole.run({ [model.input]: (model.rows('dev')[0] as { data: Float32Array }).data });
      const view = Object.values(whole.views.inputs)[0];
      return new Uint8Array(view?.buffer.slice(0) ?? new ArrayBuffer(0));
    },
  };
}

async function profile(name: string, scheme: SchemeName): Promise<LaunchTime[]> {
  const { module, memory } = await planned(name, scheme);
  const program = readProgram(module);
  const content = await memory(program);
  const work = [...module.main.body.ops()]
    .filter((op) => launch.is(op))
    .map((op) => Number((op.attributes as { multiply_adds?: number }).multiply_adds ?? 0));
  const times: Record<InstructionPath, number[]> = { baseline: [], relaxed: [] };
  for (const path of paths) {
    const runs: (() => void)[] = [];
    for (const i of program.launches.keys()) runs.push(await runnerOf(program, i, path, content));
    times[path] = leastTimes(runs);
  }
  return program.launches.map(({ kernel }, i) => ({
    kernel,
    multiplyAdds: work[i] ?? 0,
    milliseconds: { baseline: times.baseline[i] ?? Number.NaN, relaxed: times.relaxed[i] ?? Number.NaN },
  }));
}

function profileText(times: readonly LaunchTime[]): string {
  const totals = paths.map((path) => times.reduce((sum, { milliseconds }) => sum + milliseconds[path], 0));
  const rate = (multiplyAdds: number, milliseconds: number) =>
    multiplyAdds === 0 ? '' : number((2 * multiplyAdds) / milliseconds / 1e6);
  const header = ['kernel', 'MMAC', ...paths.flatMap((path) => [`${path} µs`, 'share', 'GOPS'])];
  const rows = times.map(({ kernel, multiplyAdds, milliseconds }) => [
    kernel,
    multiplyAdds === 0 ? '' : number(multiplyAdds / 1e6),
    ...paths.flatMap((path, i) => [
      number(1000 * milliseconds[path]),
      percent(milliseconds[path] / (totals[i] as number)),
      rate(multiplyAdds, milliseconds[path]),
    ]),
  ]);
  const work = times.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const last = paths.flatMap((_, i) => [number(1000 * (totals[i] as number)), '', rate(work, totals[i] as number)]);
  return markdown(header, [...rows, ['all', number(work / 1e6), ...last]]);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const [name = '', scheme = 'w8a8'] = positionals;
const known = schemeNames.find((one) => one === scheme);
if (!known) throw new Error(`there is no scheme ${scheme}; there are ${schemeNames.join(', ')}`);
const times = await profile(name, known);
console.log(values.json ? JSON.stringify(times, undefined, 2) : profileText(times));
