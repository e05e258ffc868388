import type { Module } from '../ir/index.ts';
import type { Sample } from '../pass/index.ts';
import type { Recipe, SchemeName } from '../scheme/index.ts';
import { type PrepareOptions, transform } from './compile.ts';
import type { QuantizationSummary } from './layers.ts';
import type { Work } from './work.ts';

export interface QuantizeOptions extends Omit<PrepareOptions, 'calibration' | 'scheme'> {
  /** A scheme by name, or a recipe. Default `w8a8`. */
  readonly scheme?: Exclude<SchemeName, 'float'> | Recipe;
  /** Calibration samples, input tensors by name; `loadDataset` makes them of files. */
  readonly dataset: Iterable<Sample>;
}

/** A module in integers, and what was chosen for it. */
export interface Quantized {
  readonly module: Module;
  readonly quantization: QuantizationSummary;
  readonly work: Work;
}

/**
 * Quantizes a model, in place: what has an integer form computes on codes afterwards, exactly as a compiled program
 * does. `interpret` runs the result.
 *
 * @throws QcError when the data does not fit the model
 */
export async function quantize(module: Module, options: QuantizeOptions): Promise<Quantized> {
  const { dataset, scheme = 'w8a8', ...rest } = options;
  const { quantization, work } = await transform(module, { ...rest, scheme, calibration: dataset });
  return { module, quantization, work };
}
