import { defineCommand } from '../command.ts';
import { measureOptions, schemeHelp } from '../dataOptions.ts';
import { modelOptions } from '../globalOptions.ts';
import { rangeOptions } from '../rangeOptions.ts';

export const report = defineCommand({
  name: 'report',
  summary: 'writes a page that shows a model, what a scheme makes of it, and where its error comes from',
  usage: 'MODEL [--scheme w8a8 --calibrate DATA] [--data DATA] [-o report.html]',
  details: [
    'One file without anything from the network: the graph, with the error of quantized layers as colour; for each layer histograms of its weights and values with their codes, its error alone and with all others, what 2 to 8 bits leave of its weights, its time in a run; the arena over time; and the schemes side by side, the first of which the layers are shown under.',
    'Without --data the first 32 samples of --calibrate are measured on. Layers are measured on the first two samples, by the interpreter.',
  ],
  examples: ['qc report model.onnx --scheme w8a8 --calibrate images.npy --data test.npy --limit 100'],
  arguments: ['MODEL'],
  options: {
    scheme: { kind: 'words', value: 'NAME|FILE,…', help: `${schemeHelp}; default: w8a8 with samples, else float` },
    ...measureOptions,
    ...rangeOptions,
    ...modelOptions,
    output: { kind: 'text', short: 'o', value: 'FILE', help: 'where the page is written (default report.html)' },
  },
  async run([model = ''], options, terminal) {
    const { reportModel } = await import('../reportModel.ts');
    await reportModel(model, options, terminal);
  },
});
