import { decodeE8M0, decodeFloat } from '../../numerics/index.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { floatFormats } from '../../text/index.ts';
import type { Preserves } from '../define.ts';

/** How two tensors that should agree do not. */
export interface Disagreement {
  /** Such as `differs by 0.5 at element 3 (1 before, 1.5 after), 0.001 is allowed`. */
  readonly what: string;
}

/** The elements of a tensor as numbers. */
export function numbersOf({ dtype, data }: HostTensor): Float64Array {
  const format = floatFormats[dtype];
  const whole = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const values = whole ? Float64Array.from(data, Number) : new Float64Array(data);
  if (format) return values.map((code) => decodeFloat(code, format));
  return dtype === 'f8e8m0' ? values.map(decodeE8M0) : values;
}

/**
 * Compares an output before and after a pass under what the pass promises. `quantum` is the step between two codes
 * of the output in its own unit; `tolerance` is relative to the range of the output before; `snr` is in dB, and half a
 * quantum of noise is always allowed.
 */
export function disagreement(
  before: HostTensor,
  after: HostTensor,
  promise: Preserves,
  quantum?: number,
): Disagreement | undefined {
  if (before.shape.join() !== after.shape.join()) {
    return { what: `has shape [${after.shape.join(', ')}], before it was [${before.shape.join(', ')}]` };
  }
  if (promise === 'bits' && before.dtype !== after.dtype) {
    return { what: `is ${after.dtype}, before it was ${before.dtype}` };
  }
  return realDisagreement(numbersOf(before), numbersOf(after), promise, quantum);
}

/** As `disagreement`, of numbers. Without a quantum, 1/255 of the range before is one for promises of quanta. */
export function realDisagreement(
  a: Float64Array,
  b: Float64Array,
  promise: Preserves,
  quantum?: number,
): Disagreement | undefined {
  if (promise === 'bits') {
    return a.every((x, i) => Object.is(x, b[i])) ? undefined : largest(a, b, 'the same bits are promised');
  }
  if ('snr' in promise) return noise(a, b, promise.snr, quantum);
  const step = quantum ?? rangeOf(a) / 255;
  const [allowed, unit] =
    'quanta' in promise
      ? [promise.quanta * step, `${promise.quanta} quanta of ${step}`]
      : [promise.tolerance * rangeOf(a), `${promise.tolerance} of the range ${rangeOf(a)}`];
  // A little slack for the rounding of the comparison itself, where the quantum is not a power of two.
  const within = a.every((x, i) => difference(x, b[i] as number) <= allowed * (1 + 1e-6));
  return within ? undefined : largest(a, b, `${unit} is promised`);
}

/** Distance of two numbers; equal ones, infinities and NaNs included, have none. */
function difference(x: number, y: number): number {
  if (Object.is(x, y) || x === y) return 0;
  const d = Math.abs(x - y);
  return Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
}

function largest(a: Float64Array, b: Float64Array, promised: string): Disagreement {
  let at = 0;
  a.forEach((x, i) => {
    const differs = !Object.is(x, b[i]);
    const worse = difference(x, b[i] as number) > difference(a[at] as number, b[at] as number);
    if (differs && (worse || Object.is(a[at], b[at]))) at = i;
  });
  const [x, y] = [a[at] as number, b[at] as number];
  return { what: `differs by up to ${difference(x, y)} (element ${at}: ${x} before, ${y} after); ${promised}` };
}

function noise(a: Float64Array, b: Float64Array, decibels: number, quantum = 0): Disagreement | undefined {
  let signal = 0;
  let error = 0;
  a.forEach((x, i) => {
    signal += x * x;
    error += difference(x, b[i] as number) ** 2;
  });
  const allowed = Math.max(signal * 10 ** (-decibels / 10), a.length * (quantum / 2) ** 2);
  if (error <= allowed) return undefined;
  return largest(
    a,
    b,
    `${error / signal} of the signal's power is noise, ${allowed / signal} (${decibels} dB) is promised`,
  );
}

function rangeOf(values: Float64Array): number {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) return 1;
  return max > min ? max - min : Math.abs(max) || 1;
}
