import { borderNames, cpuNames, dispatchNames, targetNames, weightsNames } from '../../api/choices.ts';
import { defineCommand } from '../command.ts';
import { calibrationOptions, schemeHelp } from '../dataOptions.ts';
import { modelOptions, pipelineOptions, stateOptions } from '../globalOptions.ts';
import { UsageError } from '../usage.ts';

export const compile = defineCommand({
  name: 'compile',
  summary: 'compiles a model into a program',
  usage: 'MODEL --target wasm|c|wgsl|cuda [--scheme NAME|FILE --calibrate DATA] [-o DIR]',
  details: [
    'Writes a folder: ./NAME-TARGET, or with several targets one folder each below DIR. It appears complete or not at all. The last line says the size of all files, the memory of a run, the multiply-adds, and their share in integers.',
    'DATA is a .npy file for a single input, a .npz file with an array for each input, NAME=FILE repeated, or a folder of these with one sample a file. An array is a set of S samples when its shape is [S] and then the shape of the input, or that of the input with S in the place of a leading 1 or open size.',
    'With --state, samples are the steps of a stream, and no data is needed for the state; arrays may have the axes [S, T] in the place of S, for S streams of T steps, each of which begins with a state of zero. The runtimes have reset, saveState and loadState.',
  ],
  examples: [
    'qc compile model.onnx --target wasm',
    'qc compile vad.onnx --target wasm --state stateN=state',
    'qc compile model.onnx --target wasm,c --scheme w8a8 --calibrate images.npy --input-format input:u8,scale=1/255',
  ],
  arguments: ['MODEL'],
  options: {
    target: {
      kind: 'words',
      choices: targetNames,
      help: 'what to write programs for, separated by commas',
    },
    scheme: {
      kind: 'text',
      value: 'NAME|FILE',
      help: schemeHelp,
    },
    budget: {
      kind: 'text',
      value: 'KIND=LIMIT',
      help: 'choose 2 to 8 bits a weight layer by layer, for the least error: codes of at most size=110% of what the scheme alone takes, or size=2MB; bit operations, bops=60%; or time of the layers on wasm, measured here, latency=80% or latency=5ms',
    },
    front: {
      kind: 'text',
      value: 'FILE.svg',
      help: 'with a budget: draw what budgets of other sizes would give',
    },
    border: {
      kind: 'text',
      choices: borderNames,
      help: 'what inputs and outputs are under the scheme int8: float (default), or int: codes, with scale and zero point in the manifest',
    },
    ...calibrationOptions,
    ...modelOptions,
    ...stateOptions,
    name: { kind: 'text', value: 'NAME', help: "names files and symbols (default: the file's stem)" },
    output: { kind: 'text', short: 'o', value: 'DIR', help: 'where the folder is written' },
    weights: {
      kind: 'text',
      choices: weightsNames,
      help: 'weights inside the program (default), in a file of their own, or for C in one that the assembler includes',
    },
    cpu: {
      kind: 'text',
      choices: cpuNames,
      help: 'C: for any machine, with vectors where its compiler has them (generic, the default), for machines without vectors (scalar), or for one kind of processor alone',
    },
    dispatch: {
      kind: 'text',
      choices: dispatchNames,
      help: 'C: instructions are chosen by its compiler (default), or at run time among those of x86 processors',
    },
    explain: { kind: 'flag', help: 'say for each layer how its numbers are stored, and why' },
    schedules: { kind: 'text', value: 'FILE', help: 'register tiles that qc tune has found for this model and target' },
    threads: {
      kind: 'flag',
      help: 'threads share the loops of large kernels; wasm: workers, where pages and Node let them; C: POSIX threads that NAME_start_threads starts; results stay the same bit for bit',
    },
    'single-file': { kind: 'flag', help: 'wasm: one script with everything inside' },
    ...pipelineOptions,
  },
  async run([model = ''], options, terminal) {
    if (options.target.length === 0) {
      throw new UsageError('--target is missing', `write --target with one or several of ${targetNames.join(', ')}`);
    }
    const { compileModel } = await import('../compileModel.ts');
    await compileModel(model, options, terminal);
  },
});
