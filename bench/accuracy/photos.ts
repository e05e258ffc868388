import { readdirSync, readFileSync } from 'node:fs';
import jpeg from 'jpeg-js';
import type { Box } from '../../src/api/measure/detections.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { dataFolder, type Part } from './arrays.ts';

/** Pixels of three bytes, row by row. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface Photo extends Picture {
  /** The objects on it, in its pixels. */
  readonly truths: readonly Box[];
}

const folder = (part: Part) => `${dataFolder}/coco/${part}`;

/** The photographs of a part of COCO, one after the other. */
export function* photos(part: Part): Generator<Photo> {
  for (const file of readdirSync(`${folder(part)}/images`).sort()) {
    const bytes = readFileSync(`${folder(part)}/images/${file}`);
    const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
    yield { width, height, data, truths: truthsOf(part, file, width, height) };
  }
}

function truthsOf(part: Part, file: string, width: number, height: number): Box[] {
  const text = readFileSync(`${folder(part)}/labels/${file.replace('.jpg', '.txt')}`, 'utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [kind = 0, x = 0, y = 0, w = 0, h = 0] = line.split(' ').map(Number);
    const [left, top] = [(x - w / 2) * width, (y - h / 2) * height];
    return { kind, left, top, right: left + w * width, bottom: top + h * height };
  });
}

/** Resampled bilinearly: half-pixel centres, clamped edges, rounded to bytes. */
function resized({ width, height, data }: Picture, toWidth: number, toHeight: number): Picture {
  const columns = places(width, toWidth);
  const result = new Uint8Array(toWidth * toHeight * 3);
  places(height, toHeight).forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let c = 0; c < 3; c++) {
        const mixed = (line: number) => {
          const a = data[(line * width + column.low) * 3 + c] as number;
          const b = data[(line * width + column.high) * 3 + c] as number;
          return a * (1 - column.share) + b * column.share;
        };
        const value = mixed(row.low) * (1 - row.share) + mixed(row.high) * row.share;
        result[(y * toWidth + x) * 3 + c] = Math.round(value);
      }
    });
  });
  return { width: toWidth, height: toHeight, data: result };
}

/** The two neighbours of each new place along one axis, and the share of the second. */
function places(from: number, to: number) {
  const within = (i: number) => Math.min(Math.max(i, 0), from - 1);
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(at);
    return { low: within(low), high: within(low + 1), share: at - low };
  });
}

/** How much a photo shrinks to fit a square. */
export const shrinkage = ({ width, height }: Picture, side: number) => Math.min(side / width, side / height);

/** Top left in a square of grey 114: planes of blue, green, red, f32 of 0..255, [1, 3, side, side]. */
export function letterboxed(photo: Picture, side: number): HostTensor {
  const share = shrinkage(photo, side);
  const { width, height, data } = resized(photo, Math.floor(photo.width * share), Math.floor(photo.height * share));
  const planes = new Float32Array(3 * side * side).fill(114);
  for (let i = 0; i < width * height; i++) {
    const at = Math.floor(i / width) * side + (i % width);
    for (let c = 0; c < 3; c++) planes[c * side * side + at] = data[i * 3 + 2 - c] as number;
  }
  return { dtype: 'f32', shape: [1, 3, side, side], data: planes };
}

/** Stretched to planes of red, green, blue: [1, 3, height, width]. */
export function planes(photo: Picture, width: number, height: number, prepare: (v: number) => number): HostTensor {
  const { data } = resized(photo, width, height);
  const size = width * height;
  const values = Float32Array.from({ length: 3 * size }, (_, i) =>
    prepare(data[(i % size) * 3 + Math.floor(i / size)] as number),
  );
  return { dtype: 'f32', shape: [1, 3, height, width], data: values };
}

/** Stretched to pixels of red, green, blue: [1, height, width, 3]. */
export function pixels(photo: Picture, width: number, height: number, prepare: (v: number) => number): HostTensor {
  const values = Float32Array.from(resized(photo, width, height).data, prepare);
  return { dtype: 'f32', shape: [1, height, width, 3], data: values };
}
