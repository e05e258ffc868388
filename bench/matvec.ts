// Measures products of one row with 4-bit weights in groups of 32 beside onnxruntime-node's MatMulNBits.
import { parseArgs } from 'node:util';
import { runWasm } from '../backends/wasm/host.ts';
import { wasmTarget } from '../backends/wasm/target.ts';
import { stagesFor } from '../src/api/pipeline.ts';
import { importOnnx, runPipeline, type SchemeName } from '../src/index.ts';
import { encodeModel, tensorInfo, tensorProto } from '../src/onnx/proto/index.ts';
import type { HostTensor } from '../src/support/tensor.ts';
import { generator } from '../src/text/index.ts';
import { interleave } from './interleave.ts';
import { describeMachine, machineLine } from './machine.ts';
import { ortNode } from './peers/ortNode.ts';
import type { InstructionPath } from './qc.ts';
import type { Runner, Values } from './runner.ts';
import { ratio, spread } from './stats.ts';
import { markdown, number, times } from './table.ts';

const group = 32;

/** A MatMulNBits of [1, size] by [size, size]. @param accuracy 0: float activations; 4: 8-bit ones */
function nbitsModel(size: number, accuracy: number): Uint8Array {
  const next = generator(3);
  const blocks = size / group;
  const codes = Uint8Array.from({ length: (size * size) / 2 }, () => Math.floor(next() * 256));
  const scales = Float32Array.from({ length: size * blocks }, () => (next() + 0.5) / 64);
  const int = (name: string, i: number) => ({ name, type: 'int' as const, value: BigInt(i) });
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [
      { domain: '', version: 21 },
      { domain: 'com.microsoft', version: 1 },
    ],
    functions: [],
    metadata: [],
    graph: {
      name: 'product',
      nodes: [
        {
          name: 'product',
          opType: 'MatMulNBits',
          domain: 'com.microsoft',
          overload: '',
          inputs: ['x', 'w', 's'],
          outputs: ['y'],
          attributes: [
            int('N', size),
            int('K', size),
            int('bits', 4),
            int('block_size', group),
            int('accuracy_level', accuracy),
          ],
        },
      ],
      initializers: [
        tensorProto('w', { dtype: 'u8', shape: [size, blocks, group / 2], data: codes }),
        tensorProto('s', { dtype: 'f32', shape: [size * blocks], data: scales }),
      ],
      sparseInitializers: [],
      inputs: [tensorInfo('x', 'f32', [1, size])],
      outputs: [tensorInfo('y', 'f32', [1, size])],
      valueInfos: [],
    },
  });
}

async function qcRunner(model: Uint8Array, scheme: SchemeName, path: InstructionPath): Promise<Runner> {
  const module = importOnnx(model);
  const stages = stagesFor(scheme);
  await runPipeline(module, stages.model);
  await runPipeline(module, stages.kernels, { target: wasmTarget });
  const program = await runWasm(module, { simd: path });
  return { name: `qc ${scheme} ${path}`, run: ({ data }) => program.run({ x: data }).y as Values };
}

function largestError(found: Values, peer: Values): number {
  const most = Math.max(...Array.from(peer, Math.abs));
  return Math.max(...Array.from(peer, (value, i) => Math.abs(value - (found[i] ?? Number.NaN)))) / most;
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, size: { type: 'string', default: '4096' } },
});
const size = Number(values.size);
const [rounds, slice] = values.quick ? [7, 60] : [21, 150];
const next = generator(5);
const x: HostTensor = {
  dtype: 'f32',
  shape: [1, size],
  data: Float32Array.from({ length: size }, () => next() * 2 - 1),
};
const runners: Runner[] = [];
for (const accuracy of [0, 4]) {
  const peer = await ortNode(nbitsModel(size, accuracy));
  runners.push({ name: `${peer.name}, accuracy_level ${accuracy}`, run: peer.run });
}
const reference = await (runners[0] as Runner).run(x);
const model = nbitsModel(size, 0);
for (const [scheme, path, tolerance] of [
  ['w4a8', 'relaxed', 0.02],
  ['w4a8', 'baseline', 0.02],
  ['float', 'relaxed', 1e-4],
  ['float', 'baseline', 1e-4],
] as const) {
  const runner = await qcRunner(model, scheme, path);
  const error = largestError(await runner.run(x), reference);
  if (!(error <= tolerance)) throw new Error(`${runner.name}: wrong results are not timed: an error of ${error}`);
  runners.push(runner);
}
const timed = await interleave(runners, x, { rounds, sliceMilliseconds: slice, warmUpMilliseconds: 2 * slice });
const bytes = size * size * (0.5 + 4 / group);
const rows = runners.map((runner, i) => {
  const own = timed[i] as number[];
  const rate = (milliseconds: number) => number(bytes / milliseconds / 1e6);
  const against = [0, 1].map((p) => times(ratio(timed[p] as number[], own)));
  return [runner.name, `${rate(spread(own).median)} (best ${rate(Math.min(...own))})`, ...against];
});
console.log(
  [
    machineLine(await describeMachine()),
    markdown([`${size}² × row, 4 bits`, 'GB of weights a second', 'faster than accuracy 0', 'than accuracy 4'], rows),
  ].join('\n\n'),
);
