import { compile, importOnnx } from '../../src/index.ts';
import { encodeModel, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import { generator } from '../../src/text/index.ts';
import type { Section } from '../section.ts';
import { type Spread, spread } from '../stats.ts';
import { markdown, number } from '../table.ts';

const width = 32;

/** A chain of residual blocks, MatMul → Add → Relu → Add, of `nodes` nodes. */
function chain(nodes: number): Uint8Array {
  const next = generator(1);
  const weights = Float32Array.from({ length: width * width }, () => (next() * 2 - 1) / width);
  const bias = Float32Array.from({ length: width }, () => next() / 10);
  const names = ['MatMul', 'Add', 'Relu', 'Add'];
  const value = (i: number) => (i < 0 ? 'x' : i === nodes - 1 ? 'y' : `v${i}`);
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: 13 }],
    functions: [],
    metadata: [],
    graph: {
      name: 'chain',
      nodes: Array.from({ length: nodes }, (_, i) => {
        const step = i % 4;
        const second = [[`w${i >> 2}`], [`b${i >> 2}`], [], [value(i - 4)]][step] as string[];
        const inputs = [value(i - 1), ...second];
        const opType = names[step] as string;
        return { name: `${opType}${i}`, opType, domain: '', overload: '', inputs, outputs: [value(i)], attributes: [] };
      }),
      initializers: Array.from({ length: Math.ceil(nodes / 4) }, (_, i) => [
        tensorProto(`w${i}`, { dtype: 'f32', shape: [width, width], data: weights.map((w) => w * (1 + i / nodes)) }),
        tensorProto(`b${i}`, { dtype: 'f32', shape: [width], data: bias }),
      ]).flat(),
      sparseInitializers: [],
      inputs: [tensorInfo('x', 'f32', [4, width])],
      outputs: [tensorInfo('y', 'f32', [4, width])],
      valueInfos: [],
    },
  });
}

/** Seconds of a compilation by the number of ops: it must grow no faster than they do. */
export const compileTime: Section = {
  name: 'compile',
  title: 'Compile time',
  async measure({ rounds }) {
    const sizes = [250, 500, 1000, 2000, 4000];
    const models = sizes.map(chain);
    const seconds: number[][] = sizes.map(() => []);
    for (let round = 0; round < Math.max(3, Math.floor(rounds / 5)); round++) {
      for (const [i, bytes] of models.entries()) {
        const start = performance.now();
        await compile(importOnnx(bytes), { target: 'wasm' });
        // The first round warms the compiler up.
        if (round > 0) seconds[i]?.push((performance.now() - start) / 1000);
      }
    }
    const rows = sizes.map((size, i) => {
      const { median } = spread(seconds[i] as number[]);
      return [`${size}`, number(median), number((1000 * median) / size)];
    });
    const thousand = seconds[sizes.indexOf(1000)] as number[];
    const figures: Record<string, Spread> = {
      'seconds within which 1,000 ops compile, of 3': spread(thousand.map((time) => 3 / time)),
    };
    return { text: markdown(['ops', 'seconds', 'ms an op'], rows), figures };
  },
};
