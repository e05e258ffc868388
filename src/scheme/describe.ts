import type { ActivationScheme, LayerScheme, ScaleKind, WeightScheme } from './scheme.ts';

const scaleWords: Readonly<Record<ScaleKind, string>> = {
  f32: 'a scale',
  'power-of-two': 'a power of two',
  'shared-exponent': 'a shared exponent',
  e4m3: 'an E4M3 scale',
  integer: 'an integer scale',
};

const roundingWords = { gptq: 'GPTQ', adaround: 'AdaRound' } as const;

/** How weights are stored, in words: `4-bit integers, a scale a group of 32`. */
export function weightText(weights: WeightScheme | undefined): string {
  if (!weights) return 'float';
  const { storage, granularity, group, mixed, symmetric, scale, range, rounding = 'nearest' } = weights;
  const where = granularity === 'group' ? `group of ${group}` : granularity;
  return [
    mixed ? `${mixed.map((bits) => `i${bits}`).join(', ')} in the space of ${storage}` : storage,
    `${scaleWords[scale]}${symmetric ? '' : ' and zero point'} a ${where}`,
    ...(range === 'absmax' ? [] : ['range of least squared error']),
    ...(rounding === 'nearest' ? [] : [`rounded by ${roundingWords[rounding]}`]),
  ].join(', ');
}

/** How activations are stored, in words. */
export function activationText(activations: ActivationScheme | undefined): string {
  if (!activations) return 'float';
  const { storage, granularity, group, scale = 'f32', symmetric, observer, percentile } = activations;
  const range =
    granularity !== 'tensor'
      ? `${scaleWords[scale]} for each ${granularity === 'token' ? 'row' : `${group} channels of a row`}, at run time`
      : `range by ${observer ?? 'lp'}${observer === 'percentile' && percentile !== undefined ? ` ${percentile}` : ''}`;
  return `${storage}, ${symmetric ? 'symmetric, ' : ''}${range}`;
}

/** How a layer is stored, in words. */
export function layerText({ weights, activations }: LayerScheme): string {
  return `weights ${weightText(weights)}; activations ${activationText(activations)}`;
}
