import { defineCommand } from '../command.ts';

export const profile = defineCommand({
  name: 'profile',
  summary: 'times every layer of a compiled program',
  usage: 'ARTIFACT [--flame FILE.svg]',
  details: [
    'Runs an artifact on the inputs of its self-test and prints the median and the least time of every kernel launch, slowest first, and its multiply-adds a nanosecond. --flame draws the same as a flame graph, by the modules in the names of the layers.',
    'A wasm program is run launch by launch, after a check that the results are those of the whole program. C is compiled by cc, gcc or clang with NAME_TRACE, which tells of every kernel that has run. A cuda program is compiled by nvcc in the same way and timed by events of its stream. A wgsl program is timed by timestamps of the device, or where it has none by a clock around each launch.',
  ],
  examples: [
    'qc profile model-wasm',
    'qc profile model-wasm --simd baseline --flame model.svg',
    'qc profile model-c --cflags -O2',
  ],
  arguments: ['ARTIFACT'],
  options: {
    rounds: { kind: 'count', value: 'N', help: 'whole runs to time (default: 50, or 5 seconds)' },
    simd: {
      kind: 'text',
      choices: ['auto', 'baseline', 'relaxed'],
      help: 'the instructions of a wasm program (default: the fastest that are exact here)',
    },
    cflags: { kind: 'text', value: 'FLAGS', help: 'options of the C compiler (default: -O3 -march=native)' },
    flame: { kind: 'text', value: 'FILE.svg', help: 'write a flame graph' },
  },
  async run([artifact = ''], options, terminal) {
    const { profileArtifact } = await import('../profileArtifact.ts');
    await profileArtifact(artifact, options, terminal);
  },
});
