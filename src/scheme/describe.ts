import type { ActivationScheme, LayerScheme, WeightScheme } from './scheme.ts';

/** How weights are stored, in words: `4-bit integers, a scale a group of 32`. */
export function weightText(weights: WeightScheme | undefined): string {
  if (!weights) return 'float';
  const { storage, granularity, group, symmetric, scale, range, rounding } = weights;
  const scales = {
    f32: 'a scale',
    'power-of-two': 'a power of two',
    'shared-exponent': 'a shared exponent',
    e4m3: 'an E4M3 scale',
  }[scale];
  const where = granularity === 'group' ? `group of ${group}` : granularity;
  return [
    storage,
    `${scales}${symmetric ? '' : ' and zero point'} a ${where}`,
    ...(range === 'absmax' ? [] : ['range of least squared error']),
    ...(rounding === 'gptq' ? ['rounded by GPTQ'] : []),
  ].join(', ');
}

/** How activations are stored, in words. */
export function activationText(activations: ActivationScheme | undefined): string {
  if (!activations) return 'float';
  const { storage, granularity, symmetric, observer, percentile } = activations;
  const range =
    granularity === 'token'
      ? 'range of each row, at run time'
      : `range by ${observer ?? 'lp'}${observer === 'percentile' && percentile !== undefined ? ` ${percentile}` : ''}`;
  return `${storage}, ${symmetric ? 'symmetric, ' : ''}${range}`;
}

/** How a layer is stored, in words. */
export function layerText({ weights, activations }: LayerScheme): string {
  return `weights ${weightText(weights)}; activations ${activationText(activations)}`;
}
