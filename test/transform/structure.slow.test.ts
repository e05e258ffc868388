import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { linearGroups } from '../../passes/transform/structure/linearGroups.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { parse } from '../../src/text/index.ts';

const models = '../shared/models';
const read = (path: string) => new Uint8Array(readFileSync(path));

/** Groups behind norms, groups behind layers, and layers that read them. */
async function countsIn(name: string): Promise<readonly number[]> {
  const module = importOnnx(read(`${models}/${name}.onnx`), {
    registry,
    externalData: (location) => read(`${models}/${location}`),
  });
  await runPipeline(module, (pipelines.float as readonly string[]).join(','), { passes: allPasses, registry });
  const groups = linearGroups(module.main.body);
  const norms = groups.filter(({ kind }) => kind === 'norm');
  return [norms.length, groups.length - norms.length, groups.flatMap(({ layers }) => layers).length];
}

// From the architectures in ../shared/models/README-trained.md: a decoder block has two norms, three layers of attention,
// gate and up, and down behind their product; the last norm is before the head. In the image model a GELU stands before
// the second layer of a block, and the head reads one token of the last norm.
const transformers: Readonly<Record<string, readonly [norms: number, behindLayers: number, layers: number]>> = {
  llama_char: [13, 6, 6 * (3 + 2 + 1) + 1],
  llama_char_kv: [13, 6, 6 * (3 + 2 + 1) + 1],
  stories260K: [11, 5, 5 * (3 + 2 + 1) + 1],
  vit_mnist: [12, 0, 6 * (1 + 1)],
};

describe.skipIf(!existsSync(models))(`groups of layers in real transformers (needs ${models})`, () => {
  it.each(Object.entries(transformers))('%s', { timeout: 120_000 }, async (name, counts) => {
    expect(await countsIn(name)).toEqual(counts);
  });
});

/** A layer, `between`, and a layer that reads `%v`; `%0` is the first layer's result. */
const twoLayers = (between: string) =>
  parse(
    `resource @w : f32[16] = random(1)
func @main(%x: tensor<2x4xf32>) -> (%y: tensor<2x4xf32>, %z: tensor<2x4xf32>) {
  %w = nn.constant {value = @w} : tensor<4x4xf32>
  %u = nn.constant {value = @w} : tensor<4x4xf32>
  %0 = nn.matmul %x, %w : tensor<2x4xf32>
  ${between}
  %y = nn.matmul %v, %u : tensor<2x4xf32>
  %r = nn.abs %x : tensor<2x4xf32>
  nn.return %y, %r
}
`,
    { registry },
  );

describe('a layer behind a layer', () => {
  const found = (between: string) => linearGroups(twoLayers(between).main.body).map(({ shifts }) => shifts);

  it('is found through a relu, by which channels can be shifted down, and through a product, without a shift', () => {
    expect(found('%v = nn.clamp %0 {min = 0, max = inf} : tensor<2x4xf32>')).toEqual(['down']);
    expect(found('%g = nn.silu %x : tensor<2x4xf32>\n  %v = nn.mul %g, %0 : tensor<2x4xf32>')).toEqual(['never']);
  });

  it('is not found through what is not homogeneous, or where something else reads the value', () => {
    expect(found('%v = nn.clamp %0 {min = 0, max = 6} : tensor<2x4xf32>')).toEqual([]);
    expect(found('%v = nn.silu %0 : tensor<2x4xf32>')).toEqual([]);
    expect(found('%v = nn.mul %0, %0 : tensor<2x4xf32>')).toEqual([]);
  });
});
