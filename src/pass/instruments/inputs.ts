import {
  bindDim,
  bitsOf,
  integerRange,
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

/** Floats at which real and integer arithmetic turn: zeros of both signs, ties, and what every bounded range clips. */
const edges = [0, 100.5, -100.5, 0.5, -0.5, -0, 2.5, -3.5, 1, -1] as const;

/**
 * Inputs for @main at the edges, from `seed`: every second float is one of `edges` in turn, every second code the
 * lowest, the highest or 0 of its type, and wider integers are a mask, ones before zeros.
 */
export function edgeInputs(module: Module, seed: number): Sample {
  return mapTensors(seededInputs(module, seed), ({ dtype, data }, i) => {
    if (isInteger(dtype) && bitsOf(dtype) > 8) return 2 * i < data.length ? 1 : 0;
    const turns = isInteger(dtype) ? [...integerRange(dtype), 0] : dtype === 'f32' || dtype === 'f64' ? edges : [];
    return i % 2 === 0 && turns.length > 0 ? (turns[(i / 2) % turns.length] as number) : Number(data[i]);
  });
}

/** A sample beyond what calibration may have seen: floats four times as large, every seventh one 0. */
export function stretchedInputs(sample: Sample): Sample {
  return mapTensors(sample, ({ dtype, data }, i) => {
    if (dtype !== 'f32' && dtype !== 'f64') return Number(data[i]);
    return i % 7 === 0 ? 0 : 4 * (data[i] as number);
  });
}

/** Every element anew. */
function mapTensors(sample: Sample, element: (tensor: HostTensor, index: number) => number): Sample {
  return Object.fromEntries(
    Object.entries(sample).map(([name, tensor]): [string, HostTensor] => {
      const data = tensor.data.slice();
      for (let i = 0; i < data.length; i++) {
        const value = element(tensor, i);
        data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
      }
      return [name, { ...tensor, data }];
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
