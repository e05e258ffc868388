import { defineCommand } from '../command.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'says which toolchains are here, and what to install for the rest',
  usage: '',
  details: [
    'Nothing is needed to compile. Running a C artifact with qc run takes a C compiler, a wgsl artifact WebGPU, and a cuda artifact nvcc and a graphics processor.',
  ],
  examples: ['qc doctor'],
  arguments: [],
  options: {},
  async run(_args, _options, terminal) {
    const { examine } = await import('../examine.ts');
    await examine(terminal);
  },
});
