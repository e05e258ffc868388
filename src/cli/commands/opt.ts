import { defineCommand } from '../command.ts';
import { sampleOptions } from '../dataOptions.ts';
import { pipelineOptions } from '../globalOptions.ts';
import { importOptions } from '../importOptions.ts';
import { UsageError } from '../usage.ts';

export const opt = defineCommand({
  name: 'opt',
  summary: 'runs any passes on a model or on the text of a module, and prints the module',
  usage: "FILE --pipeline 'PASS,PASS{option=value},…' [-o FILE.qir]",
  details: [
    'FILE is a .qir or .onnx file, or - for text on standard input. Without a pipeline the module is read, verified and printed.',
    'Constants of more than 4 KB print as random values of their type; with -o they go to FILE.qir.bin beside the text, which then reads back exactly.',
  ],
  examples: ["qc opt model.onnx --pipeline 'bind-dims,fold-batch-norm' -o folded.qir", 'qc opt --list-passes'],
  arguments: [],
  optional: ['FILE'],
  options: {
    pipeline: { kind: 'text', value: 'PASSES', help: 'the passes to run, in order' },
    output: { kind: 'text', short: 'o', value: 'FILE', help: 'write the module here instead of printing it' },
    target: { kind: 'text', choices: ['wasm', 'c'], help: 'what the lower passes compile for (default wasm)' },
    ...sampleOptions,
    'list-passes': { kind: 'flag', help: 'name every pass, with its options and what it preserves' },
    ...importOptions,
    ...pipelineOptions,
  },
  async run([path], options, terminal) {
    const { listPasses, optimize } = await import('../optimize.ts');
    if (options['list-passes']) return listPasses(terminal);
    if (path === undefined) throw new UsageError('FILE is missing', 'write qc opt FILE, or qc opt --list-passes');
    await optimize(path, options, terminal);
  },
});
