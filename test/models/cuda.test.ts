import { describe, it } from 'vitest';
import { cudaTarget } from '../../backends/cuda/target.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missingShim, runOnShim } from '../cuda/shim.ts';
import { hasModels } from '../quant/modelCases.ts';
import { type Device, describeModel, describeWhole, wholeModels } from './onDevice.ts';
import { hasSharedModels } from './sharedSamples.ts';
import { packagedModels, sharedModels } from './singleInput.ts';

/** Whole models on the CPU; `QC_FULL` adds larger ones. */
const names = ['mnist_resnet_f', 'resnet8_cifar10', ...(process.env.QC_FULL ? ['ad01_fp32', 'mbnet128_0.25_f'] : [])];

const shim: Device = {
  target: cudaTarget,
  mostBytes: async () => Number.POSITIVE_INFINITY,
  async run(module, inputs) {
    const given = module.main.body.args.map(({ name = '' }) => inputs[name] as HostTensor);
    const outputs = runOnShim(module, given, { flags: ['-O2'] });
    return Object.fromEntries(module.main.resultNames.map((name, i) => [name, (outputs[i] as HostTensor).data]));
  },
};

describe.skipIf(missingShim || !process.env.QC_FULL)(`the packaged model in CUDA, on the CPU${missingShim}`, () => {
  for (const model of packagedModels()) describeModel(model, shim);
});

describe.skipIf(missingShim || !hasModels)(
  `shared models in CUDA, on the CPU${missingShim} (skipped where ../shared/models or ../shared/data is absent)`,
  () => {
    for (const name of names) {
      const model = sharedModels().find((one) => one.name === name);
      if (model) describeModel(model, shim);
      else it.skip(name, () => {});
    }
  },
);

describe.skipIf(missingShim || !hasSharedModels)(
  `whole models in CUDA, on the CPU${missingShim} (needs ../shared/models)`,
  () => {
    for (const name of wholeModels) describeWhole(name, shim);
  },
);
