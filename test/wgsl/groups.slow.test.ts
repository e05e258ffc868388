import { afterAll, describe, expect, it } from 'vitest';
import { runWgsl } from '../../backends/wgsl/host.ts';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { PlannedProgram } from '../c/program.ts';
import { groupSize, turnGroups } from '../differential/turning.ts';
import { device, missingWebGpu } from './dawn.ts';

const size = groupSize;

/** A program that turns the elements of each group around by way of the group's memory, slowly for half of them. */
function turning(hasBarrier: boolean) {
  const tensor = (name: string) => ({ name, element: 'i32' as const, shape: [2 * size] });
  const program = new PlannedProgram([tensor('x')], [tensor('y')]);
  const k = new KernelBuilder('turn', 'turn', 'simt');
  turnGroups(k, hasBarrier ? {} : { barrier: 'none' });
  program.launch(k.finish(program.module), [program.inputs[0] as Value, program.outputs[0] as Value], 'turn');
  return program.finish();
}

const x = Int32Array.from({ length: 2 * size }, (_, i) => i * i + 1);
const turned = Array.from(x, (_, i) => x[i < size ? size - 1 - i : 3 * size - 1 - i] as number);

describe.skipIf(missingWebGpu)(`groups of invocations in WGSL${missingWebGpu}`, () => {
  afterAll(async () => (await device()).device.destroy());
  const run = async (hasBarrier: boolean) => {
    const model = await runWgsl(turning(hasBarrier), await device());
    return Array.from((await model.run({ x })).y as Int32Array);
  };

  it('see what the others wrote before a barrier', async () => expect(await run(true)).toEqual(turned));

  it('do not without one', async () => expect(await run(false)).not.toEqual(turned));
});
