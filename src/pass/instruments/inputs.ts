import {
  bindDim,
  bitsOf,
  isInteger,
  type Module,
  storageOf,
  symbolsOf,
  type TensorType,
  type Value,
} from '../../ir/index.ts';
import { invariant } from '../../support/diagnostics.ts';
import { type DType, elementCount, type HostTensor } from '../../support/tensor.ts';
import { RandomResource } from '../../text/index.ts';
import type { Sample } from '../define.ts';

/** Size of a symbolic dimension when its bounds allow it. */
const preferredSize = 2;

/** What decides which inputs a module takes: names, types and the sizes of symbols. */
export function signatureOf(module: Module): string {
  const symbols = [...module.symbols].map(([name, { min, max }]) => `${name}:${min}..${max}`);
  return [...symbols, ...argumentsOf(module).map((arg) => `${arg.name}:${arg.type.key}`)].join('|');
}

/**
 * Inputs for @main that depend on `seed` only: floats uniform in [-1, 1), codes of 8 bits and less over their whole
 * range, wider integers 0 or 1, so that they can be indices and masks. Quantized arguments take stored codes.
 */
export function seededInputs(module: Module, seed: number): Sample {
  return Object.fromEntries(
    argumentsOf(module).map((arg, i): [string, HostTensor] => {
      const type = arg.type as TensorType;
      const shape = type.shape.map((dim) => {
        const sizes = new Map([...symbolsOf(dim)].map((name) => [name, sizeOf(module, name)]));
        const size = bindDim(dim, sizes);
        invariant(typeof size === 'number', `dimension ${dim} is not bound`);
        return size;
      });
      const dtype = storageOf(type.element) as DType;
      const range = isInteger(dtype) && bitsOf(dtype) > 8 ? { low: 0, high: 1 } : undefined;
      const values = new RandomResource(arg.name ?? '', dtype, elementCount(shape), seed * 1000 + i, range);
      return [arg.name ?? `${i}`, { dtype, shape, data: values.data() }];
    }),
  );
}

function argumentsOf(module: Module): readonly Value[] {
  return module.functions.get('main')?.body.args ?? [];
}

function sizeOf(module: Module, name: string): number {
  const { min = 1, max = Number.POSITIVE_INFINITY } = module.symbols.get(name) ?? {};
  return Math.min(max, Math.max(min, preferredSize));
}
