import { defineCommand } from '../command.ts';
import { importOptions } from '../importOptions.ts';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'shows what is in a model or in a compiled program',
  usage: 'MODEL|ARTIFACT',
  details: [
    'Of a model: inputs and outputs, how often each operation occurs, parameters, multiply-adds and sizes; an open size counts as 1. Of an artifact: what its manifest says, and which operations stayed float and why.',
  ],
  examples: ['qc inspect model.onnx', 'qc inspect model-wasm --json'],
  arguments: ['MODEL or ARTIFACT'],
  options: importOptions,
  async run([path = ''], options, terminal) {
    const { inspectPath } = await import('../inspectModel.ts');
    inspectPath(path, options, terminal);
  },
});
