import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileWgsl } from '../../backends/wgsl/emit.ts';
import { exchangesFor } from '../../backends/wgsl/exchanges.ts';
import { helpers } from '../../backends/wgsl/helpers.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { refusedOnDevices } from '../../kernels/index.ts';
import type { Dimensions } from '../../src/api/dimensions.ts';
import { openAdapter } from '../../src/cli/host/webgpu.ts';
import { compile, importOnnx, type States } from '../../src/index.ts';
import { cases } from '../differential/cases.ts';
import { choosesByData, planned } from '../differential/run.ts';
import { bytes as attention, grows } from '../state/attention.ts';
import { exchanged } from './exchanged.ts';

describe('programs for graphics processors', () => {
  it.each(['wgsl', 'cuda'] as const)('for %s have fixed sizes, and say so', async (target) => {
    const refusal = (dims: Dimensions, state: States) => compile(importOnnx(attention), { target, dims, state });
    await expect(refusal({ T: 1 }, grows(9))).rejects.toThrow(refusedOnDevices.growingStates.why);
    await expect(refusal({ T: { min: 1, max: 4 }, P: 4 }, {})).rejects.toThrow(refusedOnDevices.openSizes.why);
  });
});

/** Dawn without a driver: it checks shaders and computes nothing. */
const missing = await openAdapter(['backend=null']).then(
  () => '',
  (error: Error) => ` (skipped: ${error.message.split('\n')[0]})`,
);

describe.skipIf(missing)(`shaders that WebGPU takes${missing}`, () => {
  let host: Awaited<ReturnType<typeof openAdapter>>;
  let device: GPUDevice;
  beforeAll(async () => {
    host = await openAdapter(['backend=null']);
    expect(host.adapter.features.has('shader-f16')).toBe(true);
    device = await host.adapter.requestDevice({ requiredFeatures: ['shader-f16'] });
  });
  afterAll(() => device.destroy());

  const errorOf = async (code: string) => {
    device.pushErrorScope('validation');
    device.createShaderModule({ code });
    return (await device.popErrorScope())?.message;
  };

  it.each(cases)('$name', async ({ text }) => {
    const module = await planned(text, wgslTarget);
    if (choosesByData(module)) {
      expect(() => compileWgsl(module)).toThrow('chooses what it computes by its data');
      return;
    }
    const { shader, info } = compileWgsl(module);
    expect(await errorOf(shader)).toBeUndefined();
    expect(info.launches.length).toBeGreaterThan(0);
  });

  it('are the same text every time, with and without the packed dot product', async () => {
    const { text } = cases[0] as (typeof cases)[number];
    const [a, b] = [await planned(text, wgslTarget), await planned(text, wgslTarget)].map(compileWgsl);
    expect(a?.shader).toBe(b?.shader);
    expect(a?.info).toEqual(b?.info);
    expect(a?.shader).toContain(helpers.dot4);
    const without = exchanged(a?.shader ?? '', () => false);
    expect(without).not.toContain('dot4I8Packed');
    expect(await errorOf(without)).toBeUndefined();
  });

  it('round to floats of 16 bits by an instruction where the device has one', async () => {
    const halves = cases.filter(({ text }) => text.includes('f16'));
    expect(halves.length).toBeGreaterThan(0);
    for (const { text } of halves) {
      const { shader } = compileWgsl(await planned(text, wgslTarget));
      const native = exchanged(shader, () => true);
      expect(native).toMatch(/^enable f16;\n/);
      expect(native).toContain('f16(clamp(');
      expect(shader).not.toContain('f16(clamp(');
      expect(await errorOf(native)).toBeUndefined();
    }
    // a shader that has none of them is the same on every device
    const { shader } = compileWgsl(await planned((cases[0] as (typeof cases)[number]).text, wgslTarget));
    expect(exchanged(shader, () => true)).toBe(shader);
    expect(exchangesFor(shader).map(({ feature }) => feature)).toEqual(['packed_4x8_integer_dot_product']);
  });

  it('are refused with a reason when they are wrong', async () => {
    expect(await errorOf('fn wrong() -> i32 { return 1.5f; }')).toContain('error: ');
  });
});
