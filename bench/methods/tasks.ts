import { labelRows, type Part, rowsOf, sharedArray } from '../accuracy/arrays.ts';
import { perplexity } from '../accuracy/scores.ts';
import type { Task } from '../accuracy/task.ts';
import { characterRows } from '../accuracy/texts.ts';

/** A decoder of characters, whole rows at once. Not all rows calibrate: 16 hold 4096 tokens. */
export const decoder = (name: 'llama_char' | 'llama_char_outlier'): Task => ({
  name,
  dims: { batch: 1, sequence: 256 },
  outputs: ['logits'],
  score: perplexity,
  calibration: () =>
    characterRows('calib')
      .slice(0, 16)
      .map(({ inputs }) => inputs),
  dev: () => characterRows('dev'),
});

const images = (part: Part) =>
  rowsOf(sharedArray(`vit_mnist/${part}_images.npy`), [1, 1, 28, 28], (v) => (v / 255 - 0.1307) / 0.3081).map(
    (pixel_values) => ({ pixel_values }),
  );

/**
 * Handwritten digits by the image transformer. Scored by cross entropy: 4 bits leave nearly all answers right, so that
 * counting them tells methods apart no more.
 */
export const digits: Task = {
  name: 'vit_mnist',
  dims: { batch: 1 },
  outputs: ['logits'],
  score: perplexity,
  calibration: () => images('calib'),
  dev: () => {
    const labels = labelRows('vit_mnist/dev_labels.npy');
    return images('dev').map((inputs, i) => ({ inputs, labels: labels[i] as number[] }));
  },
};
