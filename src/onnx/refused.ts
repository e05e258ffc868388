/** An operator that is refused on purpose. */
export interface RefusedOperator {
  readonly op: string;
  /** Default: the standard domain. `*` as `op` means the whole domain. */
  readonly domain?: string;
  readonly why: string;
  readonly help: string;
}

const random = {
  why: 'its result is drawn at random, so that no two runs agree',
  help: 'draw the numbers outside and give them to the model as an input',
};
const text = {
  why: 'it works on text',
  help: 'turn text into numbers before the model',
};
const training = {
  why: 'it belongs to training',
  help: 'export the model for inference',
};
const classical = {
  why: 'trees, vectorizers and encoders of classical machine learning are not neural networks',
  help: 'run them before or after the model',
};

const all = (ops: readonly string[], reason: Omit<RefusedOperator, 'op'>): RefusedOperator[] =>
  ops.map((op) => ({ op, ...reason }));

/** Every operator of ONNX that qc refuses, with the reason; what is neither here nor imported is not known. */
export const refusedOperators: readonly RefusedOperator[] = [
  ...all(
    ['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'],
    random,
  ),
  ...all(['RegexFullMatch', 'StringConcat', 'StringNormalizer', 'StringSplit'], text),
  {
    op: 'ImageDecoder',
    why: 'it decodes files of images',
    help: 'decode the image before the model and give it the pixels',
  },
  { op: '*', domain: 'ai.onnx.preview.training', ...training },
  { op: '*', domain: 'ai.onnx.training', ...training },
  { op: '*', domain: 'ai.onnx.ml', ...classical },
];

/** What is refused of operators that are otherwise supported: element types and modes, wherever they occur. */
export const refusedUses: readonly { readonly use: string; readonly why: string; readonly help: string }[] = [
  { use: 'elements of text (string)', ...text },
  {
    use: 'complex elements (complex64, complex128)',
    why: 'operators with complex numbers in ONNX take pairs of real ones',
    help: 'give the real and imaginary part as an axis of 2',
  },
  { use: 'BatchNormalization with training_mode = 1', ...training },
  { use: 'Dropout with training_mode = 1 and a ratio other than 0', ...training },
];

/** Why an operator is refused, or undefined where it is not on the list. */
export function refusalOf(op: string, domain: string): RefusedOperator | undefined {
  return refusedOperators.find((entry) => (entry.domain ?? '') === domain && (entry.op === op || entry.op === '*'));
}
