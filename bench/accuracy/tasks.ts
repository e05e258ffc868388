import type { Sample } from '../../src/index.ts';
import { labelRows, type Part, rowsOf, sharedArray } from './arrays.ts';
import { letterboxed, photos, pixels, planes, shrinkage } from './photos.ts';
import { auc, averagePrecision, maskedAccuracy, perplexity, reconstruction, type Scene, top1 } from './scores.ts';
import { speechFrames } from './speech.ts';
import type { JudgedSample, Task } from './task.ts';
import { storyWindows } from './texts.ts';

/** A classifier of the images of a folder. */
function classifier(
  folder: string,
  shape: readonly number[],
  prepare: (v: number) => number,
): Pick<Task, 'outputs' | 'score' | 'calibration' | 'dev'> {
  const samples = (part: Part): Sample[] =>
    rowsOf(sharedArray(`${folder}/${part}_images.npy`), [1, ...shape], prepare).map((input) => ({ input }));
  return {
    outputs: ['output'],
    score: top1,
    calibration: () => samples('calib'),
    dev: () => {
      const labels = labelRows(`${folder}/dev_labels.npy`);
      return samples('dev').map((inputs, i) => ({ inputs, labels: labels[i] as number[] }));
    },
  };
}

/** A detector that reads photographs. */
function detector(
  outputs: readonly string[],
  input: string,
  read: (photo: Parameters<typeof planes>[0]) => Sample[string],
): Pick<Task, 'outputs' | 'calibration' | 'dev'> {
  const samples = (part: Part): Sample[] => Array.from(photos(part), (photo) => ({ [input]: read(photo) }));
  return { outputs, calibration: () => samples('calib'), dev: () => samples('dev').map((inputs) => ({ inputs })) };
}

const yoloxSide = 416;
let scenes: readonly Scene[] | undefined;
const yoloxScenes = () => {
  scenes ??= Array.from(photos('dev'), (photo) => ({ scale: shrinkage(photo, yoloxSide), truths: photo.truths }));
  return scenes;
};

const vectors = (): Sample[] => rowsOf(sharedArray('ad01/dev_vectors.npy'), [1, 640]).map((input) => ({ input }));

const sequence = 256;

function reactions(part: Part): JudgedSample[] {
  const column = (name: string) => rowsOf(sharedArray(`rxnmapper/${part}_${name}.npy`), [1, sequence]);
  const [ids, masks] = [column('input_ids'), column('attention_mask')];
  const zeros: Sample[string] = { dtype: 'i64', shape: [1, sequence], data: new BigInt64Array(sequence) };
  const positions = labelRows(`rxnmapper/${part}_mask_positions.npy`);
  const targets = labelRows(`rxnmapper/${part}_mask_targets.npy`);
  return ids.map((input_ids, i) => {
    const attention_mask = masks[i] as Sample[string];
    const labels = new Array<number>(sequence).fill(-1);
    positions[i]?.forEach((position, k) => {
      if (position >= 0) labels[position] = targets[i]?.[k] as number;
    });
    const rows = Array.from({ length: sequence }, (_, row) => row).filter((row) => attention_mask.data[row] !== 0n);
    return { inputs: { input_ids, attention_mask, token_type_ids: zeros }, labels, rows };
  });
}

function stories(part: Part): JudgedSample[] {
  return storyWindows(part, sequence).map(({ inputs, labels }) => ({
    inputs,
    labels,
    rows: labels.flatMap((label, row) => (label < 0 ? [] : [row])),
  }));
}

/** Frames in noise of the same power as the speech are scored. */
function frames(): JudgedSample[] {
  const labels = labelRows('silero/dev_labels.npy');
  return speechFrames('dev').map(({ inputs, stream, frame }) => ({
    inputs,
    labels: [stream === 1 ? (labels[stream]?.[frame] as number) : -1],
  }));
}

/** The models that onnxruntime's quantizer was measured on, and one more. */
export const tasks: readonly Task[] = [
  {
    name: 'mbnet128_0.25_f',
    ...classifier('imagenet', [128, 128, 3], (v) => v / 127.5 - 1),
    peer: { configuration: 'static_s8s8_minmax', snr: 12.3, score: { value: 0.425, float: 0.43 } },
  },
  {
    name: 'resnet8_cifar10',
    ...classifier('cifar10', [32, 32, 3], (v) => v),
    peer: { configuration: 'static_u8s8_pct', snr: 22, score: { value: 0.7445, float: 0.7405 } },
  },
  {
    name: 'mnist_resnet_f',
    ...classifier('mnist', [28, 28, 1], (v) => v / 255),
    peer: { configuration: 'static_s8s8_pct', snr: 38.9, score: { value: 0.9815, float: 0.98 } },
  },
  {
    name: 'vww_96_float',
    ...classifier('vww', [96, 96, 3], (v) => v / 255),
    peer: { configuration: 'static_s8s8_minmax', snr: 31, score: { value: 0.9062, float: 0.8854 } },
  },
  {
    name: 'yolox_nano_416',
    ...detector(['output'], 'images', (photo) => letterboxed(photo, yoloxSide)),
    score: averagePrecision(yoloxSide, yoloxScenes),
    peer: { configuration: 'static_u8s8_pct', snr: 6.7, score: { value: 0.3492, float: 0.4395 } },
  },
  {
    name: 'ad01_fp32',
    outputs: ['output'],
    score: reconstruction,
    peer: { configuration: 'dyn_s8_pc', snr: 44.9, score: { value: 9.8298, float: 9.8347 } },
    calibration: vectors,
    dev: () => vectors().map((inputs) => ({ inputs })),
  },
  {
    name: 'ultraface_RFB_320',
    ...detector(['scores', 'boxes'], 'input', (photo) => planes(photo, 320, 240, (v) => (v - 127) / 128)),
    peer: { configuration: 'static_u8s8_minmax', snr: 39.8 },
  },
  {
    name: 'rxnmapper_albert',
    dims: { B: 1, T: sequence },
    outputs: ['logits'],
    score: maskedAccuracy,
    peer: { configuration: 'dyn_s8_pc', snr: 34.9, score: { value: 0.9789, float: 0.9794 } },
    calibration: () => reactions('calib').map(({ inputs }) => inputs),
    dev: () => reactions('dev'),
  },
  {
    name: 'stories260K',
    dims: { B: 1, T: sequence },
    outputs: ['logits'],
    score: perplexity,
    peer: { configuration: 'dyn_s8_pc', snr: 30.8, score: { value: 5.4272, float: 5.4152 } },
    calibration: () => stories('calib').map(({ inputs }) => inputs),
    dev: () => stories('dev'),
  },
  {
    name: 'silero_vad_16k_op15',
    symbols: { sequence: 576 },
    dims: { batch: 1 },
    state: { stateN: 'state' },
    outputs: ['output'],
    score: auc,
    peer: { configuration: 'static_u8s8_minmax_cg', snr: 17.3, score: { value: 0.8846, float: 0.8855 } },
    calibration: () => speechFrames('calib').map(({ inputs }) => inputs),
    dev: frames,
  },
  {
    name: 'blazeface_front_128',
    ...detector(['Identity:0', 'Identity_1:0', 'Identity_2:0', 'Identity_3:0'], 'input:0', (photo) =>
      pixels(photo, 128, 128, (v) => v / 127.5 - 1),
    ),
  },
];
