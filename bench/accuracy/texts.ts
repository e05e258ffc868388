import type { Sample } from '../../src/index.ts';
import { type Part, sharedArray } from './arrays.ts';

/** The token that begins a story, and that fills the last window of one. */
const begin = 1;

/** A window of a story, and for each of its tokens the one that follows; −1 for filler. */
export interface Window {
  readonly inputs: Sample;
  readonly labels: readonly number[];
}

/** The stories of a part in windows of `length` tokens that do not overlap. */
export function storyWindows(part: Part, length: number): Window[] {
  const tokens = Array.from(sharedArray(`stories/${part}_tokens.npy`).data as Int32Array);
  const starts = tokens.flatMap((token, i) => (token === begin ? [i] : []));
  const stories = starts.map((start, i) => tokens.slice(start, starts[i + 1]));
  const windows = stories.flatMap((story) =>
    Array.from({ length: Math.ceil((story.length - 1) / length) }, (_, i) =>
      story.slice(i * length, (i + 1) * length + 1),
    ),
  );
  const filled = (window: readonly number[], from: number, filler: number) =>
    Array.from({ length }, (_, i) => (i + 1 < window.length ? (window[i + from] as number) : filler));
  return windows.map((window) => ({
    inputs: {
      input_ids: { dtype: 'i64', shape: [1, length], data: BigInt64Array.from(filled(window, 0, begin), BigInt) },
    },
    labels: filled(window, 1, -1),
  }));
}

/** Rows of Shakespeare's text, a character a token; each row holds one character more than the model is given. */
export function characterRows(part: Part): Window[] {
  const { data, shape } = sharedArray(`shakespeare/${part}_tokens.npy`);
  const length = shape[1] as number;
  const tokens = Array.from(data as Int32Array);
  return Array.from({ length: shape[0] as number }, (_, i) => {
    const row = tokens.slice(i * length, (i + 1) * length);
    const ids = BigInt64Array.from(row.slice(0, -1), BigInt);
    return { inputs: { input_ids: { dtype: 'i64', shape: [1, length - 1], data: ids } }, labels: row.slice(1) };
  });
}
