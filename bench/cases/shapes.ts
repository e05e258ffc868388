import type { KernelCase } from './case.ts';
import { floatMatmul, integerMatmul } from './matmul.ts';
import { attention, type Conv, conv, softmax } from './small.ts';

const schemes = ['float', 'w8a8'] as const;

const products: readonly (readonly [rows: number, depth: number, columns: number])[] = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [1024, 1024, 1024],
  [197, 192, 768],
  [1, 256, 256],
  [1, 1024, 1024],
];

const convolutions: readonly Conv[] = [
  { channels: 16, filters: 32, size: 56, kernel: 1 },
  { channels: 256, filters: 256, size: 14, kernel: 1 },
  { channels: 16, filters: 16, size: 32, kernel: 3 },
  { channels: 128, filters: 128, size: 14, kernel: 3, stride: 2 },
  { channels: 32, filters: 32, size: 112, kernel: 3, depthwise: true },
  { channels: 256, filters: 256, size: 14, kernel: 3, depthwise: true },
  { channels: 128, filters: 128, size: 28, kernel: 5, stride: 2, depthwise: true },
];

/** Products of matrices, rows by matrices, convolutions of every kind, attention and softmax, small and large. */
export const shapes: readonly (() => KernelCase)[] = [
  ...products.flatMap(([rows, depth, columns]) => [
    () => floatMatmul({ rows, depth, columns }),
    () => integerMatmul({ rows, depth, columns }),
  ]),
  ...convolutions.flatMap((one) => schemes.map((scheme) => () => conv(one, scheme))),
  ...[64, 256, 512].map((length) => () => attention(length, 4)),
  ...[16, 256, 4096].map((columns) => () => softmax(64, columns)),
];
