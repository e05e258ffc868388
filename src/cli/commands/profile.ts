import { defineCommand } from '../command.ts';

export const profile = defineCommand({
  name: 'profile',
  summary: 'times every layer of a compiled program',
  usage: 'ARTIFACT [--flame FILE.svg]',
  details: [
    'Runs a wasm artifact launch by launch on the inputs of its self-test, checks that the results are those of the whole program, and prints the median and the least time of every kernel launch, slowest first, and its multiply-adds a nanosecond. --flame draws the same as a flame graph, by the modules in the names of the layers.',
  ],
  examples: ['qc profile model-wasm', 'qc profile model-wasm --simd baseline --flame model.svg'],
  arguments: ['ARTIFACT'],
  options: {
    rounds: { kind: 'count', value: 'N', help: 'whole runs to time (default: 50, or 5 seconds)' },
    simd: {
      kind: 'text',
      choices: ['auto', 'baseline', 'relaxed'],
      help: 'the instructions to use (default: the fastest that are exact here)',
    },
    flame: { kind: 'text', value: 'FILE.svg', help: 'write a flame graph' },
  },
  async run([artifact = ''], options, terminal) {
    const { profileArtifact } = await import('../profileArtifact.ts');
    await profileArtifact(artifact, options, terminal);
  },
});
