import { expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { runPipeline, stagesFor } from '../../src/api/pipeline.ts';
import { parse } from '../../src/api/read.ts';
import { type ArenaBuffer, arenaOf } from '../../src/api/report/memory.ts';
import { wholeModel } from '../pass/wholeModel.ts';

const attention = 'tensor<4x16xf32>';
/** A chain of equal layers, whose values take the same places by turns. */
const chain = `resource @w : f32[256] = random(1)
func @main(%x: ${attention}) -> (%y: ${attention}) {
  %w = nn.constant {value = @w} : tensor<16x16xf32>
${Array.from({ length: 12 }, (_, i) => `  %${i} = nn.matmul %${i === 0 ? 'x' : i - 1}, %w : ${attention} loc("layer${i}")`).join('\n')}
  nn.return %11
}
`;

async function planOf(text: string) {
  const module = parse(text);
  const { model, kernels } = stagesFor('float');
  await runPipeline(module, [...model, ...kernels], { target: wasmTarget });
  return arenaOf(module);
}

/** A launch may write its result over what it reads for the last time. */
const meet = (a: ArenaBuffer, b: ArenaBuffer): boolean =>
  a.from < b.to && b.from < a.to && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

it.each([
  ['a small network', wholeModel],
  ['a chain of equal layers', chain],
])('in the plan of %s no two values are at one place at a time', async (_, text) => {
  const { buffers, bytes, launches } = await planOf(text);
  expect(buffers.flatMap((a, i) => buffers.slice(i + 1).filter((b) => meet(a, b)))).toEqual([]);
  for (const { offset, bytes: own, from, to } of buffers) {
    expect(offset + own).toBeLessThanOrEqual(bytes);
    expect([from >= 0, from <= to, to < launches]).toEqual([true, true, true]);
  }
});

it('every value of a chain lives from its layer to the next', async () => {
  const { buffers, launches } = await planOf(chain);
  expect(launches).toBe(12);
  const lives = buffers.map(({ layer, from, to }) => `${layer} ${from} ${to}`);
  expect(lives.sort()).toEqual(Array.from({ length: 11 }, (_, i) => `layer${i} ${i} ${i + 1}`).sort());
});
