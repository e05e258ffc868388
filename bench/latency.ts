/**
 * Compares predicted with measured time for random widths of layers, from fast to slow: `node --no-warnings bench/latency.ts [--model NAME]
 * [--count N]`. The prediction adds the times of layers, each measured in a program whose weights all have one width. Of
 * the times of a load the least counts: other programs only ever add to it. How well the order by half of the loads
 * agrees with that by the others is what a prediction can reach.
 */
import { parseArgs } from 'node:util';
import { instantiateWasm, type WasmModel } from '../backends/wasm/host.ts';
import { widths } from '../passes/quantize/budgetUnits.ts';
import { measureLatencies } from '../src/api/latencies.ts';
import { compile, type Recipe } from '../src/index.ts';
import type { TypedArray } from '../src/support/tensor.ts';
import { isPresent, modelsFolder, moduleOf } from './accuracy/measure.ts';
import { tasks } from './accuracy/tasks.ts';
import { markdown } from './table.ts';

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'mbnet128_0.25_f' }, count: { type: 'string', default: '12' } },
});

/** Allocations that are drawn, of which few, from fast to slow, are measured. */
const drawnCount = 1000;

/** Loads of each program: code and memory lie elsewhere in each, which makes some per cent. */
const loadCount = 6;

/** Runs of a program one after the other: its memory is in the cache then, as where its layers were measured. */
const burst = 10;

/** Rounds of all programs, and milliseconds after which no further one begins. */
const [mostRounds, mostMilliseconds] = [100, 120_000];

const plain: Recipe = { scheme: 'w8a8' };

/** Widths of all layers, in milliseconds. */
interface Allocation {
  readonly predicted: number;
  readonly loads: readonly { readonly program: WasmModel; readonly times: number[] }[];
}

/** Random widths of layers, and what they are said to take. */
interface Candidate {
  readonly chosen: readonly (readonly [layer: string, bits: number])[];
  readonly predicted: number;
}

/** One of each of `count` equal parts of the span from the least time to the most, the first drawn; of empty parts none. */
function spreadOut(candidates: readonly Candidate[], count: number): Candidate[] {
  const times = candidates.map(({ predicted }) => predicted);
  const [least, most] = [Math.min(...times), Math.max(...times)];
  const parts = Array.from({ length: count }, (_, part) =>
    candidates.find(
      ({ predicted }) => Math.min(count - 1, Math.floor(((predicted - least) / (most - least)) * count)) === part,
    ),
  );
  return parts.filter((found) => found !== undefined);
}

/** The mean over loads of the least time. */
const leastOf = (loads: Allocation['loads']): number =>
  loads.reduce((sum, { times }) => sum + Math.min(...times), 0) / loads.length;

/** (agreeing − disagreeing pairs)/pairs. */
function kendall(a: readonly number[], b: readonly number[]): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++, pairs++) {
      sum += Math.sign((a[i] as number) - (a[j] as number)) * Math.sign((b[i] as number) - (b[j] as number));
    }
  }
  return sum / pairs;
}

async function report(): Promise<void> {
  const task = tasks.find(({ name }) => name === values.model);
  if (!task) throw new Error(`there is no model ${values.model}`);
  const calibration = [...task.calibration()].slice(0, 8);
  const build = async (scheme: Recipe) => {
    const { dims = {}, state = {} } = task;
    return (await compile(moduleOf(task), { target: 'wasm', scheme, calibration, dims, state })).files;
  };
  const latencies = await measureLatencies(plain, widths, build);
  const products = [...moduleOf(task).main.body.ops()].filter(({ name }) => /^nn\.(conv|matmul)$/.test(name));
  const layers = [...new Set(products.map(({ source }) => source))].filter((source) => latencies.has(source));
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const drawn = () => widths[Math.floor(random() * widths.length)] as number;
  const candidates = Array.from({ length: drawnCount }, (): Candidate => {
    const [favourite, share] = [drawn(), random()];
    const chosen = layers.map((layer) => [layer, random() < share ? favourite : drawn()] as const);
    return {
      chosen,
      predicted: chosen.reduce((sum, [layer, bits]) => sum + (latencies.get(layer)?.get(bits) ?? 0), 0),
    };
  });
  const all: Allocation[] = [];
  for (const { chosen, predicted } of spreadOut(candidates, Number(values.count))) {
    const rules = chosen.map(([match, bits]) => ({ match, weights: { storage: `i${bits}` as 'i4' } }));
    const files = await build({ ...plain, layers: rules });
    const loads = [];
    for (let load = 0; load < loadCount; load++) loads.push({ program: await instantiateWasm(files), times: [] });
    all.push({ predicted, loads });
  }
  const inputs = Object.fromEntries(
    Object.entries(calibration[0] ?? {}).map(([name, { data }]): [string, TypedArray] => [name, data]),
  );
  const begin = performance.now();
  for (let round = 0; round < mostRounds && performance.now() - begin < mostMilliseconds; round++) {
    for (const { program, times } of all.flatMap(({ loads }) => loads)) {
      for (let run = 0; run < burst; run++) {
        const start = performance.now();
        program.run(inputs);
        times.push(performance.now() - start);
      }
    }
  }
  const predicted = all.map((one) => one.predicted);
  const measured = all.map(({ loads }) => leastOf(loads));
  const halves = [0, loadCount / 2].map((from) =>
    all.map(({ loads }) => leastOf(loads.slice(from, from + loadCount / 2))),
  );
  const columns = [predicted, measured, ...halves];
  const rows = all.map((_, i) => [`${i + 1}`, ...columns.map((column) => (column[i] as number).toFixed(3))]);
  console.log(markdown(['allocation', 'predicted ms', 'measured ms', 'first loads', 'other loads'], rows));
  console.log(`\nKendall's τ of predicted and measured: ${kendall(predicted, measured).toFixed(2)}`);
  console.log(`of the two halves of the loads: ${kendall(...(halves as [number[], number[]])).toFixed(2)}`);
}

if (isPresent) await report();
else console.log(`skipped: ${modelsFolder} is absent`);
