import { expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cTarget } from '../../backends/c/target.ts';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { registry as known } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelineFor } from '../../passes/pipelines.ts';
import { runC } from '../../src/cli/host/c.ts';
import { interpret } from '../../src/interpret/index.ts';
import { defineOp, expressed, Registry, type Value, withElement } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { encodeModel, tensorInfo } from '../../src/onnx/proto/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { parse, printModule } from '../../src/text/index.ts';

/** All that a new operation takes: this declaration. */
const bump = defineOp({
  name: 'test.bump',
  summary: 'y = 1 / (1 + x²).',
  operands: { x: 'required' },
  infer: ({ x }) => withElement(x, expressed(x.element)),
  evaluate: ({ x }) => ({
    dtype: 'f64',
    shape: x.shape,
    data: Float64Array.from(x.data as Float64Array, (v) => 1 / (1 + v * v)),
  }),
  lower: {
    kind: 'elementwise',
    body(k, [x]): Value {
      const one = k.constant(1, 'f32', x);
      return k.div(one, k.add(one, k.mul(x as Value, x as Value)));
    },
  },
  onnx: [{ op: 'Bump', domain: 'test.qc', build: (node): Value => node.create(bump, { x: node.input(0) }).result }],
});

const registry = new Registry([...known.ops.values(), bump]);

const model = encodeModel({
  irVersion: 8,
  producerName: '',
  producerVersion: '',
  domain: '',
  modelVersion: 0n,
  opsetImports: [
    { domain: '', version: 17 },
    { domain: 'test.qc', version: 1 },
  ],
  metadata: [],
  functions: [],
  graph: {
    name: 'g',
    nodes: [
      {
        name: 'the_bump',
        opType: 'Bump',
        domain: 'test.qc',
        overload: '',
        inputs: ['x'],
        outputs: ['y'],
        attributes: [],
      },
    ],
    initializers: [],
    sparseInitializers: [],
    inputs: [tensorInfo('x', 'f32', [3, 7])],
    outputs: [tensorInfo('y', 'f32', [3, 7])],
    valueInfos: [],
  },
});

const x = { dtype: 'f32', shape: [3, 7], data: Float32Array.from({ length: 21 }, (_, i) => (i - 10) / 4) } as const;
const expected = Array.from(x.data, (v) => Math.fround(1 / (1 + v * v)));

const close = (actual: ArrayLike<number>) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((v, i) => {
    expect(actual[i]).toBeCloseTo(v, 6);
  });
};

it('an operation declared in one file imports, prints, parses, interprets and compiles for every target', async () => {
  const imported = importOnnx(model, { registry });
  const module = parse(printModule(imported).text, { registry });
  expect(printModule(module).text).toContain('test.bump %x : tensor<3x7xf32> loc("the_bump")');
  close(interpret(module, { x }).y?.data as Float32Array);

  for (const target of [wasmTarget, cTarget]) {
    const compiled = importOnnx(model, { registry });
    await runPipeline(compiled, pipelineFor('float'), { passes: allPasses, registry, context: { target } });
    if (target === wasmTarget) close((await runWasm(compiled)).run({ x: x.data }).y as Float32Array);
    else close(runC(emitC(compiled, { name: 'net' }), [x])[0]?.data as Float32Array);
  }
});
