// Measures single products of matrices beside onnxruntime-web and onnxruntime-node.
import { parseArgs } from 'node:util';
import { runWasm } from '../backends/wasm/host.ts';
import { wasmTarget } from '../backends/wasm/target.ts';
import { stagesFor } from '../src/api/pipeline.ts';
import { parse, runPipeline } from '../src/index.ts';
import { interleave } from './interleave.ts';
import { describeMachine, machineLine } from './machine.ts';
import { floatMatmul, integerMatmul, type MatmulCase } from './matmulCases.ts';
import { ortNode } from './peers/ortNode.ts';
import { ortWeb } from './peers/ortWeb.ts';
import type { InstructionPath } from './qc.ts';
import type { Runner, Values } from './runner.ts';
import { ratio, spread } from './stats.ts';
import { markdown, number, times } from './table.ts';

async function qcRunner(one: MatmulCase, path: InstructionPath): Promise<Runner> {
  const module = parse(one.text);
  await runPipeline(module, stagesFor('float').kernels, { target: wasmTarget });
  const program = await runWasm(module, { simd: path });
  return { name: `qc ${path}`, run: ({ data }) => program.run({ x: data }).y as Values };
}

function checkResults({ name, offset, tolerance }: MatmulCase, runner: Runner, found: Values, peer: Values): void {
  let worst = 0;
  peer.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value + offset - (found[i] ?? Number.NaN)));
  });
  if (worst <= tolerance) return;
  throw new Error(`${name}, ${runner.name}: wrong results are not timed: an error of ${worst}`);
}

/** One case on every path that the machine has: a row of the table each. */
async function measureCase(one: MatmulCase, rounds: number, sliceMilliseconds: number): Promise<string[][]> {
  const peers: Runner[] = [];
  for (const make of [ortWeb, ortNode]) {
    const peer = await make(one.onnx);
    peers.push({ name: peer.name, run: () => peer.run(one.onnxInput) });
  }
  const expected = await (peers[1] as Runner).run(one.onnxInput);
  const own: Runner[] = [];
  for (const path of ['baseline', 'relaxed'] as const) {
    const runner = await qcRunner(one, path).catch((error: Error) =>
      console.error(`${one.name} ${path}: ${error.message}`),
    );
    if (!runner) continue;
    checkResults(one, runner, await runner.run(one.input), expected);
    own.push(runner);
  }
  const options = { rounds, sliceMilliseconds, warmUpMilliseconds: 2 * sliceMilliseconds };
  const [web = [], node = [], ...mine] = await interleave([...peers, ...own], one.input, options);
  const gops = (milliseconds: number) => number((2 * one.multiplyAdds) / milliseconds / 1e6);
  const rate = (times: readonly number[]) => `${gops(spread(times).median)} (best ${gops(Math.min(...times))})`;
  return own.map((runner, i) => {
    const time = mine[i] as number[];
    return [
      one.name,
      runner.name,
      rate(time),
      rate(web),
      times(ratio(web, time)),
      rate(node),
      times(ratio(node, time)),
    ];
  });
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const [rounds, slice] = values.quick ? [7, 60] : [21, 150];
const size = { rows: 512, depth: 512, columns: 512 };
const rows: string[][] = [];
for (const one of [floatMatmul(size), integerMatmul(size)]) rows.push(...(await measureCase(one, rounds, slice)));
const header = ['product', 'path', 'GOPS', 'onnxruntime-web', 'faster than it', 'onnxruntime-node', 'faster than it'];
console.log([machineLine(await describeMachine()), markdown(header, rows)].join('\n\n'));
