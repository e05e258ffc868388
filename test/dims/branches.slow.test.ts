import { describe, expect, it } from 'vitest';
import { runCSteps } from '../../src/cli/host/c.ts';
import { compile, importOnnx, instantiate } from '../../src/index.ts';
import { type AttributeProto, type NodeProto, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floats, modelOf, node } from '../state/model.ts';
import { relativeError, session, type Tensors } from '../state/onnxruntime.ts';

// Branches and loops on sizes that are open: programs hold both ways, and every step.

const scalar = (dtype: HostTensor['dtype'], data: HostTensor['data']): HostTensor => ({ dtype, shape: [], data });
const truth = (value: boolean) => scalar('i1', Uint8Array.of(value ? 1 : 0));
const integer = (value: number) => scalar('i64', BigInt64Array.of(BigInt(value)));

/** A graph of a branch or of a body. */
const graph = (
  name: string,
  nodes: NodeProto[],
  inputs: (readonly [string, HostTensor['dtype'], (number | string)[]])[],
  outputs: (readonly [string, HostTensor['dtype'], (number | string)[]])[],
): AttributeProto => ({
  name,
  type: 'graph',
  value: {
    name,
    nodes,
    initializers: [tensorProto('always', truth(true))],
    sparseInitializers: [],
    inputs: inputs.map(([port, dtype, shape]) => tensorInfo(port, dtype, shape)),
    outputs: outputs.map(([port, dtype, shape]) => tensorInfo(port, dtype, shape)),
    valueInfos: [],
  },
});

const row: (number | string)[] = ['T', 6];

/** A product where the flag holds; else the sum of the rows that are not 0, on every row. */
const branch = modelOf(
  [
    node('Cast', ['flag'], ['condition'], [{ name: 'to', type: 'int', value: 9n }]),
    node(
      'If',
      ['condition'],
      ['h'],
      [
        graph('then_branch', [node('MatMul', ['x', 'w'], ['yes'])], [], [['yes', 'f32', row]]),
        graph(
          'else_branch',
          [
            node('NonZero', ['x'], ['places']),
            node('Shape', ['places'], ['size']),
            node('Cast', ['size'], ['real'], [{ name: 'to', type: 'int', value: 1n }]),
            node('ReduceSum', ['real'], ['count']),
            node('Mul', ['x', 'count'], ['no']),
          ],
          [],
          [['no', 'f32', row]],
        ),
      ],
    ),
    node('Relu', ['h'], ['y']),
  ],
  [
    ['flag', 'i32', []],
    ['x', 'f32', row],
  ],
  [['y', 'f32', row]],
  { w: floats([6, 6], 2) },
);

/** Three steps h = tanh(h·w + x), all of them collected. */
const loop = modelOf(
  [
    node(
      'Loop',
      ['trips', '', 'x'],
      ['last', 'all'],
      [
        graph(
          'body',
          [
            node('MatMul', ['h', 'w'], ['product']),
            node('Add', ['product', 'x'], ['sum']),
            node('Tanh', ['sum'], ['next']),
            node('Identity', ['next'], ['kept']),
            node('Identity', ['always'], ['more']),
          ],
          [
            ['step', 'i64', []],
            ['goes', 'i1', []],
            ['h', 'f32', row],
          ],
          [
            ['more', 'i1', []],
            ['next', 'f32', row],
            ['kept', 'f32', row],
          ],
        ),
      ],
    ),
  ],
  [['x', 'f32', row]],
  [
    ['last', 'f32', row],
    ['all', 'f32', [3, ...row]],
  ],
  { w: floats([6, 6], 2), trips: integer(3) },
);

const cases: readonly { name: string; model: Uint8Array; runs: readonly Tensors[] }[] = [
  {
    name: 'a branch',
    model: branch,
    runs: [9, 1, 4, 9, 2].map((rows, i) => ({ flag: scalar('i32', Int32Array.of(i % 2)), x: floats([rows, 6], rows) })),
  },
  { name: 'a loop', model: loop, runs: [9, 1, 4].map((rows) => ({ x: floats([rows, 6], rows) })) },
];

describe('branches and loops on open sizes', () => {
  it.each(cases)('$name: wasm and C agree with onnxruntime', { timeout: 60_000 }, async ({ model, runs }) => {
    const dims = { T: { min: 1, max: 9 } };
    const run = await session(model);
    const wasm = await instantiate((await compile(importOnnx(model), { target: 'wasm', dims })).files);
    const c = await compile(importOnnx(model), { target: 'c', dims });
    invariant(c.manifest.c, 'C has a signature');
    const { inputs: taken, outputs } = c.manifest.signature;
    const steps = runs.map((inputs) => taken.map(({ name }) => inputs[name] as HostTensor));
    const own = runCSteps({ files: c.files, signature: c.manifest.c }, steps, { selftest: true });
    for (const [step, inputs] of runs.entries()) {
      const wanted = await run(inputs);
      const answers = [
        wasm.run(inputs),
        Object.fromEntries(outputs.map(({ name }, i) => [name, own[step]?.[i] as HostTensor])),
      ];
      for (const answer of answers) {
        for (const [name, tensor] of Object.entries(wanted)) {
          expect(answer[name]?.shape, name).toEqual(tensor.shape);
          expect(relativeError(answer[name] as HostTensor, tensor), name).toBeLessThan(1e-5);
        }
      }
    }
  });
});
