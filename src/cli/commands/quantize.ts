import { defineCommand } from '../command.ts';
import { calibrationOptions, schemeHelp } from '../dataOptions.ts';
import { modelOptions, pipelineOptions } from '../globalOptions.ts';
import { UsageError } from '../usage.ts';

export const quantize = defineCommand({
  name: 'quantize',
  summary: 'writes a quantized model as QDQ ONNX, or as the text of a module',
  usage: 'MODEL [--scheme w8a8 --calibrate DATA] -o FILE.onnx|FILE.qir',
  details: [
    'Gives weights and activations quantized types, as compile does, and writes the model before it becomes integer operations. In ONNX these types are QuantizeLinear and DequantizeLinear around float operators, with the same scales and zero points; other runtimes run it. In the text of a module (.qir) they stand in the types.',
    'With --scheme float nothing is quantized: the model is written after qc’s simplifications.',
  ],
  examples: [
    'qc quantize model.onnx --calibrate images.npy --input-format input:u8,scale=1/255 -o quantized.onnx',
    'qc quantize model.onnx --scheme float -o simplified.onnx',
  ],
  arguments: ['MODEL'],
  options: {
    scheme: { kind: 'text', value: 'NAME|FILE', help: `${schemeHelp} (default w8a8)` },
    ...calibrationOptions,
    ...modelOptions,
    output: { kind: 'text', short: 'o', value: 'FILE', help: 'the file to write, .onnx or .qir' },
    ...pipelineOptions,
  },
  async run([model = ''], options, terminal) {
    const { output } = options;
    if (output === undefined || !/\.(onnx|qir)$/.test(output)) {
      throw new UsageError(
        output === undefined ? '-o FILE is missing' : `${output} is neither a .onnx nor a .qir file`,
        'write -o FILE.onnx or -o FILE.qir',
      );
    }
    const { quantizeModel } = await import('../quantizeModel.ts');
    await quantizeModel(model, { ...options, output }, terminal);
  },
});
