import { elementCount } from '../../support/tensor.ts';
import type { Random } from './random.ts';

/** Axes shorter than this are channels, whose elements are no neighbours. */
const shortest = 5;

/**
 * Gaussian noise in the form of a sample, its neighbours alike: white noise, averaged twice over windows along each long
 * axis, then brought to mean 0 and variance 1.
 * @param width of a window, as a share of the axis; 0 leaves white noise
 */
export function gaussianField(shape: readonly number[], width: number, random: Random): Float64Array {
  let field: Float64Array = Float64Array.from({ length: elementCount(shape) }, () => random.gaussian());
  shape.forEach((size, axis) => {
    const window = Math.round(size * width);
    if (axis === 0 || size < shortest || window < 2) return;
    const inner = elementCount(shape.slice(axis + 1));
    for (let round = 0; round < 2; round++) field = averaged(field, size, inner, window);
  });
  return normalized(field);
}

/** Means of `window` neighbours along an axis, which goes round. */
function averaged(field: Float64Array, size: number, inner: number, window: number): Float64Array {
  const result = new Float64Array(field.length);
  for (let start = 0; start < field.length; start += size * inner) {
    for (let k = 0; k < inner; k++) {
      const at = (i: number) => start + (i % size) * inner + k;
      let sum = 0;
      for (let i = 0; i < window; i++) sum += field[at(i)] as number;
      for (let i = 0; i < size; i++) {
        result[at(i)] = sum / window;
        sum += (field[at(i + window)] as number) - (field[at(i)] as number);
      }
    }
  }
  return result;
}

function normalized(field: Float64Array): Float64Array {
  const mean = field.reduce((a, b) => a + b, 0) / field.length;
  const variance = field.reduce((sum, x) => sum + (x - mean) ** 2, 0) / field.length;
  const deviation = Math.sqrt(variance) || 1;
  return field.map((x) => (x - mean) / deviation);
}
