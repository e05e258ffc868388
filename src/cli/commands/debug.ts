import { defineCommand } from '../command.ts';
import { measureOptions } from '../dataOptions.ts';
import { modelOptions } from '../globalOptions.ts';

export const debug = defineCommand({
  name: 'debug',
  summary: 'says which layers the error of a quantized model comes from',
  usage: 'MODEL --calibrate DATA [--scheme w8a8] [--data DATA] [--top N]',
  details: [
    'Quantizes each layer alone, its weights and its result, with all others in float, and ranks the layers by what that does to the output. Beside it stand the signal-to-noise ratio and the cosine of the layer’s own result, alone and in the fully quantized model, the shares of weights and values that round to zero, and of values beyond the range of the codes. Layers have the names of the model’s nodes.',
    'Where a few layers cause most of the error it suggests which to keep in float, and says what that gives. An error made by rounding a result to codes goes away when the layers that read the codes stay float.',
    'Without --data the first samples of --calibrate are measured on; without --limit 8 samples: each runs the model once for every layer, by the interpreter. In JSON null stands for infinite decibels.',
  ],
  examples: ['qc debug model.onnx --scheme w8a8 --calibrate images.npy --input-format input:u8,scale=1/255 --top 10'],
  arguments: ['MODEL'],
  options: {
    scheme: {
      kind: 'text',
      value: 'NAME|FILE',
      help: 'how it is quantized, or a recipe in a .json or .ts file (default w8a8)',
    },
    ...measureOptions,
    top: { kind: 'count', value: 'N', help: 'show the N worst layers (default 20; with --json all)' },
    fix: {
      kind: 'text',
      value: 'FILE.json',
      help: 'write a recipe that keeps the suggested layers in float, for --scheme FILE.json',
    },
    budget: {
      kind: 'text',
      value: 'size=SIZE',
      help: 'suggest as many layers as constants may grow by: size=10% of all constants, or size=20KB',
    },
    ...modelOptions,
  },
  async run([model = ''], options, terminal) {
    const { debugModel } = await import('../debugModel.ts');
    await debugModel(model, options, terminal);
  },
});
