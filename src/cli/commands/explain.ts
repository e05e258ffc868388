import { cpuNames, targetNames } from '../../api/choices.ts';
import { defineCommand } from '../command.ts';
import { calibrationOptions, schemeHelp } from '../dataOptions.ts';
import { modelOptions, pipelineOptions } from '../globalOptions.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'says, layer by layer, what a compile makes of a model: kernel, instruction, bytes, predicted time',
  usage: 'MODEL [--target wasm] [--scheme w8a8 --calibrate DATA]',
  details: [
    'One line for each kernel launch: the layer and the operations that run in it, the elements that it reads and writes, the instruction and the register tile of its inner loop on the fastest path (look_up: sums from tables, where the target is faster so), its multiply-adds and bytes, and the least time that a machine whose peaks are known needs for them (the roofline model): one x86 core for wasm and C, an NVIDIA T4 for wgsl and cuda. Below: the operations that stay float, and why.',
  ],
  examples: ['qc explain model.onnx', 'qc explain model.onnx --scheme w8a8 --calibrate images.npy --json'],
  arguments: ['MODEL'],
  options: {
    target: {
      kind: 'text',
      choices: targetNames,
      help: 'what is compiled for (default wasm)',
    },
    cpu: { kind: 'text', choices: cpuNames, help: 'C: the machines that it is written for (default: generic)' },
    scheme: { kind: 'text', value: 'NAME|FILE', help: schemeHelp },
    ...calibrationOptions,
    ...modelOptions,
    ...pipelineOptions,
  },
  async run([model = ''], options, terminal) {
    const { explainModel } = await import('../explainModel.ts');
    await explainModel(model, options, terminal);
  },
});
