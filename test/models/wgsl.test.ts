import { describe, it } from 'vitest';
import { runWgsl } from '../../backends/wgsl/host.ts';
import { wgslTarget } from '../../backends/wgsl/target.ts';
import { hasModels } from '../quant/modelCases.ts';
import { device, missingWebGpu } from '../wgsl/dawn.ts';
import { type Device, describeModel, describeWhole, wholeModels } from './onDevice.ts';
import { hasSharedModels } from './sharedSamples.ts';
import { packagedModels, sharedModels } from './singleInput.ts';

/** Whole models whose shaders a driver on the CPU compiles in reasonable time; `QC_FULL` adds larger ones. */
const names = ['mnist_resnet_f', ...(process.env.QC_FULL ? ['resnet8_cifar10', 'mbnet128_0.25_f'] : [])];

const dawn: Device = {
  target: wgslTarget,
  mostBytes: async () => (await device()).device.limits.maxStorageBufferBindingSize,
  async run(module, inputs) {
    const program = await runWgsl(module, await device());
    const given = Object.entries(inputs).map(([name, { data }]) => [name, data]);
    const outputs = await program.run(Object.fromEntries(given));
    program.destroy();
    return outputs;
  },
};

describe.skipIf(missingWebGpu)(`the packaged model in WGSL${missingWebGpu}`, () => {
  for (const model of packagedModels()) describeModel(model, dawn);
});

describe.skipIf(missingWebGpu || !hasModels)(
  `shared models in WGSL${missingWebGpu} (skipped where ../shared/models or ../shared/data is absent)`,
  () => {
    for (const name of names) {
      const model = sharedModels().find((one) => one.name === name);
      if (model) describeModel(model, dawn);
      else it.skip(name, () => {});
    }
  },
);

describe.skipIf(missingWebGpu || !hasSharedModels)(
  `whole models in WGSL${missingWebGpu} (needs ../shared/models)`,
  () => {
    for (const name of wholeModels) describeWhole(name, dawn);
  },
);
