import { formats } from '../../src/numerics/index.ts';
import {
  type ActivationScale,
  type ActivationScheme,
  activationGroup,
  type FloatActivation,
} from '../../src/scheme/index.ts';

const rules: Readonly<Record<ActivationScale, formats.ScaleRule>> = {
  f32: formats.absmaxScale,
  'power-of-two': formats.microscale,
  e4m3: formats.twoLevelScale,
};

/** The format of rows of activations that become small floats. */
export function activationFormat(
  scheme: ActivationScheme,
  storage: FloatActivation,
  channels: number,
): formats.BlockFormat {
  const { scale = 'f32' } = scheme;
  const grid = formats.smallGrids[storage];
  return { name: storage, grid, block: activationGroup(scheme, channels), scale: rules[scale] };
}
