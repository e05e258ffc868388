import { cpuNames, tunedTargets } from '../../api/choices.ts';
import { defineCommand } from '../command.ts';
import { calibrationOptions, schemeHelp } from '../dataOptions.ts';
import { modelOptions, pipelineOptions, stateOptions } from '../globalOptions.ts';

export const tune = defineCommand({
  name: 'tune',
  summary: 'finds the fastest register tiles for a model on this machine',
  usage: 'MODEL --target wasm|c [--scheme NAME|FILE --calibrate DATA] [-o FILE.json]',
  details: [
    'Compiles the model with register tiles of several sizes, times every layer of every program in turns, and writes those sizes that are faster than the compiler’s own choice to a file, NAME.qc-tune.json beside the model. qc compile takes it by --schedules. Tiles change how long a program takes, never what it answers.',
  ],
  examples: ['qc tune model.onnx --target wasm', 'qc compile model.onnx --target wasm --schedules model.qc-tune.json'],
  arguments: ['MODEL'],
  options: {
    target: { kind: 'text', choices: tunedTargets, help: 'what the program is for: wasm (default) or c' },
    scheme: { kind: 'text', value: 'NAME|FILE', help: schemeHelp },
    ...calibrationOptions,
    ...modelOptions,
    ...stateOptions,
    cpu: { kind: 'text', choices: cpuNames, help: 'C: the machines that it is written for (default: generic)' },
    cflags: { kind: 'text', value: 'FLAGS', help: 'options of the C compiler (default: -O3 -march=native)' },
    turns: { kind: 'count', value: 'N', help: 'how often each program is timed (default: 3)' },
    output: { kind: 'text', short: 'o', value: 'FILE', help: 'where the schedules are written' },
    ...pipelineOptions,
  },
  async run([model = ''], options, terminal) {
    const { tuneModel } = await import('../tuneModel.ts');
    await tuneModel(model, options, terminal);
  },
});
