import { defineCommand } from '../command.ts';
import { sampleOptions } from '../dataOptions.ts';

export const reduce = defineCommand({
  name: 'reduce',
  summary: 'shrinks a module that makes a pass fail, as long as it still fails',
  usage: "FILE.qir [--pipeline 'PASSES'] [--fails-with TEXT] [-o FILE.qir]",
  details: [
    'Takes a module, such as a reproducer that qc has left, and the passes that fail on it: by default those that the first line of the file names. It cuts, replaces operations by inputs and passes over operations while the passes still fail with a message that holds TEXT (by default the first line of the message now), and prints or writes what is left.',
  ],
  examples: ['qc reduce qc-reproducer-fuse-clamp-1a2b3c4d.qir -o small.qir'],
  arguments: ['FILE'],
  options: {
    pipeline: { kind: 'text', value: 'PASSES', help: 'the passes that fail (default: those of the RUN line)' },
    'fails-with': { kind: 'text', value: 'TEXT', help: 'what the message must hold' },
    'verify-semantics': { kind: 'flag', help: 'a pass that changes results more than it promises fails too' },
    target: { kind: 'text', choices: ['wasm', 'c'], help: 'what the lower passes compile for (default wasm)' },
    ...sampleOptions,
    output: { kind: 'text', short: 'o', value: 'FILE', help: 'write the module here instead of printing it' },
  },
  async run([path = ''], options, terminal) {
    const { reduceFile } = await import('../reduceFile.ts');
    await reduceFile(path, options, terminal);
  },
});
