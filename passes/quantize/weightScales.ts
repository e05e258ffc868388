import { absmaxByAxis, chooseWeightScales, leastErrorScale } from '../../src/numerics/index.ts';
import { storageBits, type WeightScheme } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/**
 * Scales of symmetric integer weights, one an index of `axis`; all the same where the scheme has one for the tensor.
 * @throws QcError where a weight is NaN or infinite
 */
export function weightScalesOf(weights: HostTensor, axis: number, scheme: WeightScheme, where?: string): number[] {
  const { shape } = weights;
  const data = weights.data as Float32Array;
  const bits = storageBits(scheme.storage);
  const channels = shape[axis] as number;
  const scales = chooseWeightScales(absmaxByAxis(data, shape, axis), bits, where);
  const perTensor = scheme.granularity === 'tensor';
  const whole = perTensor ? scales.map(() => scales.reduce((a, b) => Math.max(a, b), 0)) : scales;
  if (scheme.range === 'absmax') return whole;
  if (perTensor) return whole.map((scale) => leastErrorScale(data, scale, bits));
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return whole.map((scale, c) =>
    leastErrorScale(
      data.filter((_, i) => Math.floor(i / inner) % channels === c),
      scale,
      bits,
    ),
  );
}

/** Whether a channel holds nothing but zeros. */
export function isZeroChannel({ data, shape }: HostTensor, axis: number): (channel: number) => boolean {
  const absmax = absmaxByAxis(data as Float32Array, shape, axis);
  return (channel) => absmax[channel] === 0;
}
