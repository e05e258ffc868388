import { defineCommand } from '../command.ts';
import { modelOptions } from '../globalOptions.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'runs a compiled program, or a model by the reference interpreter',
  usage: 'ARTIFACT|MODEL --input NAME=FILE… [-o DIR]',
  details: [
    'FILE is a .npy array or an ONNX tensor (.pb) and is fed as it is: type and shape must be those of the input. NAME= may be left out where there is one input.',
    'A wasm artifact runs in this process; a C artifact is compiled with the C compiler of this machine in a temporary folder.',
    'Without -o the shape and the first values of each output are printed, and the five largest elements of a vector.',
  ],
  examples: ['qc run model-wasm --input image.npy', 'qc run model.onnx --input input=image.npy -o answers'],
  arguments: ['ARTIFACT or MODEL'],
  options: {
    input: { kind: 'texts', value: 'NAME=FILE', help: 'a tensor for an input' },
    output: { kind: 'text', short: 'o', value: 'DIR', help: 'write each output as DIR/NAME.npy' },
    ...modelOptions,
  },
  async run([path = ''], options, terminal) {
    const { runModel } = await import('../runModel.ts');
    await runModel(path, options, terminal);
  },
});
