import { metricNames } from '../../api/choices.ts';
import { recipeNames } from '../../scheme/recipes.ts';
import { defineCommand } from '../command.ts';
import { measureOptions } from '../dataOptions.ts';
import { modelOptions, stateOptions } from '../globalOptions.ts';

export const evalCommand = defineCommand({
  name: 'eval',
  summary: 'compares schemes with float on data',
  usage: 'MODEL --scheme A,B,… --calibrate DATA --data DATA [--labels FILE]',
  details: [
    'Measures the model as it is deployed: its wasm program, or the interpreter where an operation has no kernel. DATA is what qc compile takes for --calibrate; samples are read one after the other.',
    'top1 and top5 count samples whose label is the largest value of the output, or among the five largest; agreement counts those whose largest value is where it is in float; snr and mse compare all values with float; perplexity is the exponential of the mean cross entropy, the output being logits; auc is the chance that a row of label 1 scores higher than one of label 0, the output being one score or two classes. Classes are the last axis of the output, all other axes are rows. FILE is a .npy array of integers of shape [samples] or [samples, rows]; negative labels are not counted.',
    'map50 is the mean, over the classes that there are, of the average precision of detections that overlap an object by half, at 101 levels of recall, of the 100 best on each sample (as COCO counts). Boxes are two opposite corners, […, n, 4]; scores are […, n] with classes […, n], or […, n, C]; suppress drops boxes that overlap a better one of their class by more. Objects are a .npy array of shape [objects, 6]: the sample, from 0 on, the class, and two opposite corners in the order and unit of the model’s.',
    'Each value comes with its 95 % interval from 1000 bootstrap resamples. In JSON shares are 0 to 1, and null stands for infinite decibels.',
  ],
  examples: [
    'qc eval model.onnx --recipes all --time --calibrate calib.npy --data dev.npy --labels labels.npy',
    'qc eval model.onnx --scheme w8a8 --calibrate calib.npy --data dev.npy --labels labels.npy --input-format input:u8,scale=1/255',
  ],
  arguments: ['MODEL'],
  options: {
    scheme: {
      kind: 'words',
      value: 'NAME|FILE,…',
      help: `what is compared with float, separated by commas: schemes, recipes by name (${recipeNames.join(', ')}), or recipes in .json or .ts files`,
    },
    time: { kind: 'flag', help: 'say how long a sample takes on this machine too: the median, the schemes by turns' },
    recipes: { kind: 'text', choices: ['all'], help: 'compares all recipes by name too' },
    ...measureOptions,
    labels: { kind: 'text', value: 'FILE', help: 'the right classes, a .npy file of integers' },
    detections: {
      kind: 'text',
      value: 'boxes=NAME,scores=NAME,…',
      help: 'the outputs of a model that finds objects: boxes and scores, and where there are classes=NAME; suppress=0.5 where it drops no boxes itself',
    },
    objects: { kind: 'text', value: 'FILE', help: 'the objects that there are, a .npy file' },
    metric: {
      kind: 'words',
      choices: metricNames,
      help: 'what is measured (default: everything that the data allows)',
    },
    seed: { kind: 'count', value: 'N', help: "of the bootstrap's random numbers (default 1)" },
    ...modelOptions,
    ...stateOptions,
  },
  async run([model = ''], options, terminal) {
    const { evaluateModel } = await import('../evaluateModel.ts');
    await evaluateModel(model, options, terminal);
  },
});
