import { attr, defineOp, isScalarType, tensor } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { DType } from '../../src/support/tensor.ts';
import { fromNumbers, real, toF64 } from './elements.ts';

const ln10 = elementary.log(10);
const toMel = (hertz: number) => (2595 * elementary.log(1 + hertz / 700)) / ln10;
const toHertz = (mel: number) => 700 * (elementary.exp((mel / 2595) * ln10) - 1);

/** Source: ONNX MelWeightMatrix and its reference implementation. */
export const melWeights = defineOp({
  name: 'nn.mel_weights',
  summary: 'Triangles that gather the frequencies of a spectrum into bins of equal width in mel.',
  operands: { lower: 'required', upper: 'required' },
  attributes: { bins: attr.int(), length: attr.int(), rate: attr.int(), to: attr.string('f32') },
  infer(_, { bins, length, rate, to }) {
    if (bins < 1 || length < 1 || rate < 1 || !isScalarType(to)) {
      throw new QcError({
        what: `${bins} bins of a spectrum of ${length} points at ${rate} Hz`,
        why: 'all must be positive',
      });
    }
    return tensor([Math.floor(length / 2) + 1, bins], to);
  },
  evaluate({ lower, upper }, { bins, length, rate, to }) {
    const rows = Math.floor(length / 2) + 1;
    const [low, high] = [toMel(toF64(lower)[0] as number), toMel(toF64(upper)[0] as number)];
    const step = (high - low) / (bins + 2);
    const edges = Array.from({ length: bins + 2 }, (_, i) =>
      Math.floor(((length + 1) * toHertz(low + i * step)) / rate),
    );
    const y = new Float64Array(rows * bins);
    const set = (row: number, bin: number, weight: number) => {
      if (row >= 0 && row < rows) y[row * bins + bin] = weight;
    };
    for (let bin = 0; bin < bins; bin++) {
      const [left, center, right] = edges.slice(bin, bin + 3) as [number, number, number];
      if (left === center) set(center, bin, 1);
      for (let row = left; row <= center && left < center; row++) set(row, bin, (row - left) / (center - left));
      for (let row = center; row < right; row++) set(row, bin, (right - row) / (right - center));
    }
    const shape = [rows, bins];
    return to.startsWith('f') || to === 'bf16' ? real(shape, y) : fromNumbers(to as DType, shape, y);
  },
});
