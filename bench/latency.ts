/**
 * Compares predicted with measured time for random widths of layers: `node --no-warnings bench/latency.ts [--model NAME]
 * [--count N]`. The prediction adds the times of layers, each measured in a program whose weights all have one width. Of
 * all times the least counts: other programs only ever add to it.
 */
import { parseArgs } from 'node:util';
import { instantiateWasm } from '../backends/wasm/host.ts';
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

const plain: Recipe = { scheme: 'w8a8' };

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
  const drawn = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return widths[Math.floor((state / 2 ** 32) * widths.length)] as number;
  };
  const all = [];
  for (let i = 0; i < Number(values.count); i++) {
    // some allocations are narrow on the whole, others wide: as budgets make them
    const share = i / (Number(values.count) - 1);
    const chosen = layers.map((layer) => [layer, i % 2 === 0 && drawn() / 8 < share ? 8 : drawn()] as const);
    const rules = chosen.map(([match, bits]) => ({ match, weights: { storage: `i${bits}` as 'i4' } }));
    const predicted = chosen.reduce((sum, [layer, bits]) => sum + (latencies.get(layer)?.get(bits) ?? 0), 0);
    const program = await instantiateWasm(await build({ ...plain, layers: rules }));
    const inputs = Object.fromEntries(
      Object.entries(calibration[0] ?? {}).map(([name, { data }]): [string, TypedArray] => [name, data]),
    );
    all.push({ predicted, times: [] as number[], run: () => program.run(inputs) });
  }
  for (let round = 0; round < 500; round++) {
    for (const { times, run } of all) {
      const start = performance.now();
      run();
      times.push(performance.now() - start);
    }
  }
  const measured = all.map(({ times }) => Math.min(...times));
  const rows = all.map(({ predicted }, i) => [`${i + 1}`, predicted.toFixed(3), (measured[i] as number).toFixed(3)]);
  console.log(markdown(['allocation', 'predicted ms', 'measured ms'], rows));
  console.log(
    `\nKendall's τ: ${kendall(
      all.map(({ predicted }) => predicted),
      measured,
    ).toFixed(2)}`,
  );
}

if (isPresent) await report();
else console.log(`skipped: ${modelsFolder} is absent`);
