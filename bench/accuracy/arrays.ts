import { readFileSync } from 'node:fs';
import { readNpy } from '../../src/calibrate/data/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export const dataFolder = '../shared/data';

export type Part = 'calib' | 'dev';

/** An array of the shared data, by its path there. */
export function sharedArray(path: string): HostTensor {
  return readNpy(new Uint8Array(readFileSync(`${dataFolder}/${path}`)), path);
}

/** The tensors along the first axis of an array, in another shape and, where `prepare` is given, as f32. */
export function rowsOf(array: HostTensor, shape: readonly number[], prepare?: (value: number) => number): HostTensor[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: array.data.length / size }, (_, i) => {
    const row = array.data.subarray(i * size, (i + 1) * size);
    if (!prepare) return { ...array, shape, data: row } as HostTensor;
    return { dtype: 'f32', shape, data: Float32Array.from(row as Float32Array, prepare) };
  });
}

/** Numbers of the rows of an array of labels. */
export function labelRows(path: string): number[][] {
  const { shape, data } = sharedArray(path);
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  const all = Array.from(data as Int32Array, Number);
  return Array.from({ length: shape[0] ?? 0 }, (_, i) => all.slice(i * size, (i + 1) * size));
}
